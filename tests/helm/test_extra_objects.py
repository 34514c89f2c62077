from tests.helm.chart import render

TEMPLATE = "templates/extra-objects.yaml"
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-mine"}}


def test_there_are_none_unless_asked_for():
    assert render().of_template(TEMPLATE) == []


def test_objects_and_texts_are_rendered_as_templates():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Namespace }}-text\n"
    made = render({"extraObjects": [CONFIG_MAP, text]}).of_template(TEMPLATE)
    assert [manifest["metadata"]["name"] for manifest in made] == ["genod-mine", "vision-text"]
