"""What does not fit is refused when it is loaded, each model with its own reason."""

from pathlib import Path

import pytest
from onnx import helper

from serving import TritonServer
from serving.errors import ModelLoadError
from tests.serving.calls import free_ports
from tests.serving.toy_repository import Tensor, write_double, write_model

pytestmark = pytest.mark.triton

X = Tensor("x", "TYPE_FP32", (4,))
Y = Tensor("y", "TYPE_FP32", (4,))
THREADS = 'parameters {{ key: "intra_op_thread_count" value: {{ string_value: "{}" }} }}\n'
IDENTITY = [helper.make_node("Identity", ["x"], ["y"])]


@pytest.fixture(scope="module")
def message(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The launcher's error about a repository in which nearly every model is wrong."""
    repository = tmp_path_factory.mktemp("models")
    write_double(repository, "good")

    def write(name: str, **settings) -> None:
        write_model(repository, name, **{"inputs": [X], "outputs": [Y], "nodes": IDENTITY, **settings})

    write("other_name", config_inputs=[Tensor("pixels", "TYPE_FP32", (4,))])
    write("other_type", config_inputs=[Tensor("x", "TYPE_UINT8", (4,))])
    write("other_rank", config_outputs=[Tensor("y", "TYPE_FP32", (2, 2))])
    write("other_size", config_outputs=[Tensor("y", "TYPE_FP32", (5,))])
    write("too_few_outputs", outputs=[Y, Tensor("z", "TYPE_FP32", (4,))], config_outputs=[Y],
          nodes=[*IDENTITY, helper.make_node("Neg", ["x"], ["z"])])  # fmt: skip
    write("fixed_batch", max_batch_size=0, inputs=[Tensor("x", "TYPE_FP32", (1, 4))],
          outputs=[Tensor("y", "TYPE_FP32", (1, 4))])  # fmt: skip
    config = repository / "fixed_batch" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 0", "max_batch_size: 4").replace("[1, 4]", "[4]"))
    write("bad_thread_count",
          settings=THREADS.format("many"))  # fmt: skip
    write("bad_rows_per_run", settings=THREADS.format("0").replace("intra_op_thread_count", "rows_per_run"))
    write("no_file", filename="other.onnx")
    write("broken_file")
    (repository / "broken_file" / "1" / "model.onnx").write_bytes(b"this is no graph")
    with pytest.raises(ModelLoadError) as raised:
        TritonServer(free_ports(repository)).start()
    return str(raised.value)


@pytest.mark.parametrize(
    "reason",
    [
        "input 'pixels' of config.pbtxt is not in the graph, which has 'x'",
        "input 'x' of the graph is missing from config.pbtxt",
        "input 'x' is TYPE_UINT8 in config.pbtxt and TYPE_FP32 in the graph",
        "output 'y' has 3 dimensions in config.pbtxt, its batch dimension included [-1, 2, 2] and 2 in",
        "output 'y' is [-1, 5] in config.pbtxt and ['batch', 4] in the graph",
        "output 'z' of the graph is missing from config.pbtxt",
        "input 'x' has the fixed batch size 1 in the graph [1, 4]",
        "bad_thread_count: parameter 'intra_op_thread_count' must be a whole number, got 'many'",
        "bad_rows_per_run: parameter 'rows_per_run' must be a whole number above 0, got '0'",
        "no_file/1/model.onnx: export the model, or correct default_model_filename",
        "broken_file: [ONNXRuntimeError]",
    ],
)
def test_the_reason_is_told(message: str, reason: str) -> None:
    assert reason in message


def test_every_wrong_model_is_named_once_and_the_good_one_is_not(message: str) -> None:
    assert message.startswith("10 models do not load:")
    assert "good" not in message


def test_the_message_is_short(message: str) -> None:
    assert len(message.splitlines()) < 50, message


def test_the_error_names_the_full_log(message: str) -> None:
    assert Path(message.splitlines()[-1].removeprefix("Full log: ")).is_file()
