import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from loadtest.benchmarks.capacity_check import RECIPES, Checked, summary, variant
from loadtest.results import Target

TARGET = Target(percentile=95, limit_ms=300)


def configs(repository):
    return {
        path.parent.name: text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())
        for path in repository.glob("*/config.pbtxt")
    }


def checked(recipe, predicted, measured):
    return Checked(recipe=recipe, predicted_per_s=predicted, measured_per_s=measured, verdict="PASS", profile={})


def test_a_variant_is_a_whole_repository_with_only_its_change(tmp_path):
    with variant(RECIPES["one backbone, batching"], tmp_path) as repository:
        assert (repository / "backbone/1/model.onnx").is_file()
        of_detect = [config for model, config in configs(repository).items() if model != "embedder"]
        assert not any(config.dynamic_batching.preferred_batch_size for config in of_detect)
        backbone = configs(repository)["backbone"]
        assert (backbone.max_batch_size, backbone.instance_group[0].count) == (16, 1)
        assert backbone.dynamic_batching.default_queue_policy.max_queue_size == 64
    assert not repository.exists()


def test_two_backbones_have_one_thread_each(tmp_path):
    with variant(RECIPES["two backbones of one thread"], tmp_path) as repository:
        backbone = configs(repository)["backbone"]
        assert backbone.instance_group[0].count == 2
        assert backbone.parameters["intra_op_thread_count"].string_value == "1"
        assert configs(repository)["head_generic"].instance_group[0].count == 1


@pytest.mark.parametrize(("predicted", "expected"), [(24.0, True), (30.0, False), (16.1, True), (15.9, False)])
def test_a_prediction_within_a_fifth_of_the_measured_peak_meets_the_goal(predicted, expected):
    assert summary([checked("a", predicted, 20.0)], TARGET)["is_within_goal"] is expected


def test_repeats_of_a_recipe_are_averaged_and_every_recipe_must_meet_the_goal():
    result = summary([checked("a", 20, 18), checked("b", 50, 20), checked("a", 24, 26)], TARGET)
    assert result["recipes"]["a"]["ratio"] == pytest.approx(1.0)
    assert result["recipes"]["a"]["is_within_goal"]
    assert not result["is_within_goal"]


def test_a_peak_that_was_not_found_does_not_meet_the_goal():
    assert not summary([checked("a", 20, None)], TARGET)["is_within_goal"]
