import pytest

from loadtest.stages.ensemble_graph import EnsembleGraph


def step(model, inputs, outputs, version=1):
    return {
        "model_name": model,
        "model_version": version,
        "input_map": {f"in_{tensor}": tensor for tensor in inputs},
        "output_map": {f"out_{tensor}": tensor for tensor in outputs},
    }


DIAMOND = {
    "ensemble_scheduling": {
        "step": [
            # Not in the order in which they run: a configuration need not be.
            step("join", ["left", "right", "size"], ["answer"]),
            step("stem", ["image"], ["features", "size"]),
            step("left", ["features"], ["left"]),
            step("right", ["features"], ["right"], version="-1"),
        ]
    }
}


def diamond():
    graph = EnsembleGraph.from_config(DIAMOND)
    assert graph is not None
    return graph


def test_a_step_comes_after_those_whose_tensors_it_reads():
    graph = diamond()
    assert [step.model for step in graph.steps] == ["join", "stem", "left", "right"]
    assert [step.after for step in graph.steps] == [(1, 2, 3), (), (1,), (1,)]
    assert [step.version for step in graph.steps] == ["1", "1", "1", "-1"]


@pytest.mark.parametrize(
    ("ms_per_step", "path"),
    [((1, 10, 5, 3), [1, 2, 0]), ((1, 10, 3, 5), [1, 3, 0]), ((1, 10, 0, 0), [1, 0])],
)
def test_of_steps_side_by_side_the_longer_is_critical(ms_per_step, path):
    graph = diamond()
    found = graph.critical_path(ms_per_step)
    assert sum(ms_per_step[index] for index in found) == sum(ms_per_step[index] for index in path)
    assert found[0] == 1
    assert found[-1] == 0


def test_a_model_is_no_ensemble():
    assert EnsembleGraph.from_config({"name": "backbone", "platform": "onnxruntime_onnx"}) is None
    assert EnsembleGraph.from_config({"ensemble_scheduling": {"step": []}}) is None
