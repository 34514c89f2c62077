from pathlib import Path

import pytest

from serving.engines.engine_spec import ShapeRange, find_engine_specs
from serving.errors import EngineSettingsError
from tests.conftest import REPO_ROOT
from tests.serving.engines.fakes import canvas_target, write_canvas_model
from tests.serving.toy_repository import write_double


def test_each_canvas_of_the_warmups_is_one_profile(tmp_path: Path) -> None:
    write_canvas_model(tmp_path)
    write_double(tmp_path)  # has no config for the target: it stays what it is
    (spec,) = find_engine_specs(tmp_path, "tensorrt")
    assert (spec.model, spec.version, spec.precision) == ("net", 1, "fp32")
    assert spec.onnx_path == tmp_path / "net" / "1" / "model.onnx"
    assert [profile.range_by_input for profile in spec.profiles] == [
        {"x": ShapeRange((1, 2, 3), (4, 2, 3), (8, 2, 3))},
        {"x": ShapeRange((1, 3, 2), (4, 3, 2), (8, 3, 2))},
    ]


def test_the_committed_models_have_both_canvases_and_half_precision() -> None:
    specs = find_engine_specs(REPO_ROOT / "model_repository", "tensorrt")
    assert [spec.model for spec in specs] == ["backbone", "head_electronics", "head_generic"]
    for spec in specs:
        assert spec.precision == "fp16"
        assert len(spec.profiles) == 2
    pixels = [profile.range_by_input["pixels"] for profile in specs[0].profiles]
    assert [sizes.maximum for sizes in pixels] == [(16, 416, 672, 3), (16, 672, 416, 3)]
    p7 = [profile.range_by_input["p7"].minimum for profile in specs[1].profiles]
    assert p7 == [(1, 128, 4, 6), (1, 128, 6, 4)]


def test_every_version_is_built(tmp_path: Path) -> None:
    write_canvas_model(tmp_path)
    second = tmp_path / "net" / "2"
    second.mkdir()
    (second / "model.onnx").write_bytes((tmp_path / "net" / "1" / "model.onnx").read_bytes())
    assert [spec.version for spec in find_engine_specs(tmp_path, "tensorrt")] == [1, 2]


def test_the_settings_digest_changes_with_what_shapes_the_engine_and_with_nothing_else(tmp_path: Path) -> None:
    config = write_canvas_model(tmp_path)

    def digest() -> str:
        return find_engine_specs(tmp_path, "tensorrt")[0].settings_digest()

    original = digest()
    config.write_text(
        "# a comment\n"
        + canvas_target().replace("dynamic_batching { }", "dynamic_batching { max_queue_delay_microseconds: 5 }")
    )
    assert digest() == original
    for old, new in (("fp32", "fp16"), ('string_value: "4"', 'string_value: "2"'), ("[3, 2]", "[5, 2]")):
        config.write_text(canvas_target().replace(old, new))
        assert digest() != original, new


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tensorrt_plan", "onnxruntime_onnx", 'no model of .* with platform "tensorrt_plan"'),
        (
            "max_batch_size",
            "max_batch_sizes",
            "cannot be read as Triton's ModelConfig: .* no field",
        ),
        ('"fp32"', '"int8"', r"engine_precision must be one of \('fp16', 'fp32'\), got 'int8'"),
        ('string_value: "4"', 'string_value: "9"', "engine_optimum_batch_size must be 1 to max_batch_size, 8, got '9'"),
        (
            'profile: [ "0", "1" ]',
            "",
            r'instance_group must have profile: \["0", "1"\], got \["0"\]',
        ),
        ('key: "x"', 'key: "z"', r"warm-up 'w' has the inputs \['z'\], the model \['x'\]"),
        ("model_warmup", "# model_warmup", "an input has a variable size, and no model_warmup says"),
    ],
)
def test_a_config_that_gives_no_engine_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    write_canvas_model(tmp_path, target=canvas_target().replace(old, new))
    with pytest.raises(EngineSettingsError, match=message):
        find_engine_specs(tmp_path, "tensorrt")


def test_a_missing_graph_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    write_canvas_model(tmp_path)
    (tmp_path / "net" / "1" / "model.onnx").unlink()
    with pytest.raises(EngineSettingsError, match=r"has no <version>/model\.onnx"):
        find_engine_specs(tmp_path, "tensorrt")
    with pytest.raises(EngineSettingsError, match="there is no folder"):
        find_engine_specs(tmp_path / "none", "tensorrt")
