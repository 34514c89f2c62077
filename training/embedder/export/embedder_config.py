"""The part of model `embedder`'s configs that follows from its weights: outputs, names of attributes, the version.

What stands above `MARK` in config.pbtxt and configs/<target>.pbtxt is written by hand and stays.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx

from training.atomic_file import write_atomically
from training.embedder.export.errors import EmbedderExportError

MARK = "# ---- What follows is written by `python -m training export embedder`.\n"
PARAMETERS = ("embedder_version", "attributes")
"""Of the graph's metadata, and of the configs."""
_DATA_TYPES: Mapping[int, str] = {
    onnx.TensorProto.UINT8: "TYPE_UINT8",
    onnx.TensorProto.INT32: "TYPE_INT32",
    onnx.TensorProto.FLOAT: "TYPE_FP32",
}


def write_embedder_configs(model_folder: Path, graph: onnx.ModelProto) -> None:
    """Write outputs and parameters of a graph into all configs of its model.

    Args:
        model_folder: holds config.pbtxt, and perhaps configs/<target>.pbtxt.
        graph: of the embedder.

    Raises:
        EmbedderExportError: there is no config.pbtxt to write them into.
    """
    if not (model_folder / "config.pbtxt").is_file():
        raise EmbedderExportError(
            f"{model_folder}/config.pbtxt is missing: its inputs and queue are written by hand; take that of the "
            "checkout's model_repository/embedder"
        )
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    written = MARK + _outputs(graph.graph.output) + "".join(_parameter(name, metadata[name]) for name in PARAMETERS)
    for path in (model_folder / "config.pbtxt", *sorted((model_folder / "configs").glob("*.pbtxt"))):
        by_hand = path.read_text(encoding="utf-8").partition(MARK)[0]
        write_atomically(path, (by_hand.rstrip("\n") + "\n\n" + written).encode())


def _outputs(outputs: Sequence[onnx.ValueInfoProto]) -> str:
    lines = []
    for output in outputs:
        tensor = output.type.tensor_type
        # Behind the batch: one row for each box, and as many numbers as it has.
        size = tensor.shape.dim[2].dim_value
        lines.append(f'  {{ name: "{output.name}" data_type: {_DATA_TYPES[tensor.elem_type]} dims: [ -1, {size} ] }}')
    return "output [\n" + ",\n".join(lines) + "\n]\n"


def _parameter(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'parameters {{ key: "{name}" value: {{ string_value: "{quoted}" }} }}\n'
