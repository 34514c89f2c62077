import copy

import pytest

from tests.helm import golden
from tests.helm.rendered_files import file_names, rendered

ADVICE = "look at the difference; when it is wanted: .venv/bin/python -m tests.helm.golden --write"


@pytest.mark.parametrize("file_name", file_names())
def test_a_values_file_renders_to_what_is_committed(file_name):
    path = golden.golden_path(file_name)
    assert path.is_file(), f"{path.name} is missing: .venv/bin/python -m tests.helm.golden --write"
    assert golden.golden_text(rendered(file_name)) == path.read_text(), ADVICE


def test_there_is_no_golden_render_without_a_values_file():
    assert {path.name for path in golden.FOLDER.glob("*.yaml")} == set(file_names())


def test_a_golden_render_shows_no_secret():
    chart = rendered("values.yaml")
    secret = chart.one("Secret", "genod-restricted-api")
    assert secret["data"]["key"] not in golden.golden_text(chart)


def test_a_golden_render_changes_with_a_picture():
    chart = rendered("values.yaml")
    other = copy.deepcopy(chart)
    other.one("ConfigMap", "genod-test-photo")["binaryData"]["photo.jpg"] = "AAAA"
    assert golden.golden_text(other) != golden.golden_text(chart)
