from pathlib import Path

import pytest
from onnx import TensorProto

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit, write_onnx

_PIXELS = ("pixels", TensorProto.UINT8, ["batch", "height", "width", 3])
_P3 = ("p3", TensorProto.FLOAT, ["batch", 3, "height", "width"])


@pytest.mark.parametrize(
    ("inputs", "outputs", "rules"),
    [
        ([("pixel", *_PIXELS[1:])], [_P3], ["onnx-name-mismatch", "onnx-name-mismatch"]),
        ([_PIXELS], [_P3, ("p4", *_P3[1:])], ["onnx-name-mismatch"]),
        ([("pixels", TensorProto.FLOAT, _PIXELS[2])], [_P3], ["onnx-type-mismatch"]),
        ([_PIXELS], [("p3", TensorProto.COMPLEX64, _P3[2])], ["onnx-type-mismatch"]),
        ([("pixels", TensorProto.UINT8, [1, "h", "w", 3])], [_P3], ["onnx-batch-fixed"]),
        ([("pixels", TensorProto.UINT8, ["n", 416, 672, 3])], [_P3], ["onnx-shape-mismatch"]),
        ([_PIXELS], [("p3", TensorProto.FLOAT, ["n", 4, "h", "w"])], ["onnx-shape-mismatch"]),
        ([_PIXELS], [("p3", TensorProto.FLOAT, ["n", 3, "h"])], ["onnx-shape-mismatch"]),
        # The exporter lost the channels, or the rank: the config may know more than the graph.
        ([_PIXELS], [("p3", TensorProto.FLOAT, ["n", "c", "h", "w"])], []),
        ([_PIXELS], [("p3", TensorProto.FLOAT, None)], []),
    ],
)
def test_graph_is_compared_with_the_config(
    toy: Path, broken: FindBroken, inputs: list, outputs: list, rules: list[str]
) -> None:
    write_onnx(toy / "backbone" / "1" / "model.onnx", inputs, outputs)
    problems = broken()
    assert [problem.rule for problem in problems] == rules
    assert all(problem.model == "backbone" and "model.onnx" in str(problem) for problem in problems)


def test_model_without_batching_spells_its_batch_out(toy: Path, broken: FindBroken) -> None:
    edit(toy, "head_b", "max_batch_size: 8", "max_batch_size: 0")
    assert {problem.rule for problem in broken()} >= {"onnx-shape-mismatch", "warmup-batch"}


def test_file_that_is_no_onnx_is_refused(toy: Path, broken: FindBroken) -> None:
    (toy / "backbone" / "1" / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    (problem,) = broken()
    assert problem.rule == "onnx-unreadable"
    assert "LFS" in problem.advice


def test_weights_in_other_files_are_not_needed(toy: Path, broken: FindBroken) -> None:
    import onnx

    path = toy / "backbone" / "1" / "model.onnx"
    model = onnx.load(path)
    weight = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="absent.bin")
    model.graph.initializer.append(weight)
    model.graph.input.append(onnx.helper.make_tensor_value_info("w", TensorProto.FLOAT, [4]))
    path.write_bytes(model.SerializeToString())
    assert broken() == [], "an initializer listed as input is no input"
