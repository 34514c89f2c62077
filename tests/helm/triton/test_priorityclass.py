from tests.helm.chart import render
from tests.helm.pods import triton_pod

TEMPLATE = "templates/triton/priorityclass.yaml"


def priority(**values):
    return {"scheduling": {"priorityClass": values}}


def test_switched_off_there_is_none_and_pods_name_none():
    assert render().of_template(TEMPLATE) == []
    assert "priorityClassName" not in triton_pod()


def test_pods_use_the_class_of_the_chart():
    (made,) = render(priority(create=True, value=5, preemptionPolicy="Never")).of_template(TEMPLATE)
    assert (made["value"], made["preemptionPolicy"], made["globalDefault"]) == (5, "Never", False)
    assert triton_pod(priority(create=True))["priorityClassName"] == made["metadata"]["name"] == "genod"


def test_pods_use_a_class_that_exists_already():
    assert render(priority(name="mine")).of_template(TEMPLATE) == []
    assert triton_pod(priority(name="mine"))["priorityClassName"] == "mine"
