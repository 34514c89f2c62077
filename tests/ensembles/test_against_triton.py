"""The real server's verdict on what our check refuses: the check must not invent rules.

The models' own code does not matter here, so every model runs as an empty Python model. One server serves all
cases: it loads the ensemble, with the models below it, on request.
"""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from ensembles.config_file import format_config, read_config
from serving.installation import find_installation
from serving.ports import resolve_ports
from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import TAXONOMY, TOY, edit, rewire, step, write_toy_repository

pytestmark = pytest.mark.triton

_START_TIMEOUT_S = 60
_EMPTY_MODEL = "class TritonPythonModel:\n    def execute(self, requests):\n        return []\n"


class ExplicitServer:
    """A server that loads what it is told to."""

    def __init__(self, root: Path, port: int, log: Path) -> None:
        self._root = root
        self._url = f"http://127.0.0.1:{port}/v2"
        self._log = log

    def is_ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self._url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def refusal(self, ensemble: Path, name: str) -> str | None:
        """Load an ensemble, and the models below it, under a name of its own.

        Returns:
            What the server said while it refused; None where it loaded. A new name each time, since Triton
            remembers the last good config of a name.
        """
        shutil.copytree(ensemble, self._root / name)
        config = self._root / name / "config.pbtxt"
        config.write_text(config.read_text().replace(f'name: "{TOY.name}"', f'name: "{name}"', 1))
        logged_before = len(self._log.read_text())
        request = urllib.request.Request(f"{self._url}/repository/models/{name}/load", data=b"{}", method="POST")
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError as refused:
            return f"{json.load(refused)['error']}\n{self._log.read_text()[logged_before:]}"
        finally:
            shutil.rmtree(self._root / name)
        return None

    def parameter(self, model: str, key: str) -> str:
        """A parameter of a loaded model, as any caller reads it."""
        with urllib.request.urlopen(f"{self._url}/models/{model}/config", timeout=10) as answer:
            return str(json.load(answer)["parameters"][key]["string_value"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExplicitServer]:
    folder = tmp_path_factory.mktemp("triton")
    root = _write_python_toy(folder / "model_repository")
    installation = find_installation(cache_root=folder)
    port = resolve_ports("127.0.0.1", http=0, grpc=0, metrics=0).http
    log = folder / "triton.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                installation.executable,
                f"--model-repository={root}",
                f"--backend-directory={installation.backend_directory}",
                f"--cache-directory={installation.cache_directory}",
                "--model-control-mode=explicit",
                "--disable-auto-complete-config",
                "--http-address=127.0.0.1",
                f"--http-port={port}",
                "--allow-grpc=false",
                "--allow-metrics=false",
                "--exit-timeout-secs=5",
            ],
            env=installation.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            started = ExplicitServer(root, port, log)
            _wait_until_ready(started, process, log)
            yield started
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _declare_input(config: ModelConfig) -> None:
    config.input.add(name="hint", data_type="TYPE_FP32", dims=[1])


def _declare_output(config: ModelConfig) -> None:
    config.output.add(name="boxes", data_type="TYPE_FP32", dims=[1])


def _write_twice(config: ModelConfig) -> None:
    step(config, "head_b").output_map["scores"] = "head_a_scores"
    step(config, "label_propagation").input_map["head_b_scores"] = "head_a_scores"


def _misspell_output(config: ModelConfig) -> None:
    step(config, "backbone").output_map["P3"] = step(config, "backbone").output_map.pop("p3")


def _publish_less(config: ModelConfig) -> None:
    del config.output[0]


def _wait_for_itself(config: ModelConfig) -> None:
    step(config, "backbone").input_map["pixels"] = "head_a_scores"


# Rule of ours -> what breaks it, and a part of what Triton says.
_REFUSED: dict[str, tuple[Callable[[ModelConfig], object], str]] = {
    "steps-empty": (lambda config: config.ensemble_scheduling.ClearField("step"), "must specify 'step'"),
    "step-incomplete": (lambda config: step(config, "backbone").output_map.clear(), "'output_map'"),
    "tensor-written-twice": (_write_twice, "only once"),
    "ensemble-input-unused": (_declare_input, "hint"),
    "ensemble-output-unwritten": (_declare_output, "boxes"),
    "step-input-unwritten": (lambda config: step(config, "head_a").input_map.update(p3="p9"), "p9"),
    "step-cycle": (_wait_for_itself, "not written"),
    "intermediate-unused": (_publish_less, "'scores' is unused"),
    "step-input-unmapped": (
        lambda config: step(config, "label_propagation").input_map.pop("image_size"),
        "input image_size in model label_propagation is not mapped",
    ),
    "step-input-unknown": (
        lambda config: step(config, "backbone").input_map.update(pixel="pixels"),
        "non-existing input pixel",
    ),
    "step-output-unknown": (_misspell_output, "non-existing output P3"),
    "type-mismatch": (
        lambda config: setattr(config.output[1], "data_type", DataType.TYPE_INT64),
        "inconsistent data type",
    ),
    "shape-mismatch": (lambda config: config.output[1].dims.append(2), "inconsistent shape"),
    "batch-too-large": (lambda config: setattr(config, "max_batch_size", 9), "maximum batch size"),
    "model-unknown": (
        lambda config: setattr(step(config, "backbone"), "model_name", "spine"),
        "not available",
    ),
    "version-missing": (
        lambda config: setattr(step(config, "backbone"), "model_version", 7),
        "required version 7",
    ),
    "ensemble-field-forbidden": (
        lambda config: config.instance_group.add(kind="KIND_CPU", count=1),
        "instance group should not be specified",
    ),
    "ensemble-platform": (
        lambda config: setattr(config, "platform", "onnxruntime_onnx"),
        "whose platform is not",
    ),
    "name-not-folder": (lambda config: setattr(config, "name", "other"), "directory name"),
    "tensor-type-missing": (lambda config: config.output[0].ClearField("data_type"), "'data_type'"),
    "tensor-dims-invalid": (lambda config: config.output[0].ClearField("dims"), "'dims'"),
}


def test_triton_loads_the_toy_and_publishes_its_taxonomy(toy: Path, server: ExplicitServer) -> None:
    assert server.refusal(toy / TOY.name, "toy_good") is None
    assert json.loads(server.parameter("toy_good", "taxonomy")) == TAXONOMY


@pytest.mark.parametrize("rule", _REFUSED)
def test_triton_refuses_what_the_check_refuses(
    toy: Path, broken: FindBroken, server: ExplicitServer, rule: str
) -> None:
    change, said = _REFUSED[rule]
    rewire(toy, change)
    assert rule in {problem.rule for problem in broken()}
    assert said in str(server.refusal(toy / TOY.name, f"toy_{rule}"))


def test_triton_refuses_a_misspelt_field(toy: Path, server: ExplicitServer) -> None:
    edit(toy, TOY.name, "max_batch_size", "max_batchsize")
    assert "max_batchsize" in str(server.refusal(toy / TOY.name, "toy_misspelt"))


def test_triton_says_nothing_about_a_tensor_mapped_twice(toy: Path, broken: FindBroken, server: ExplicitServer) -> None:
    edit(
        toy,
        TOY.name,
        'input_map {\n      key: "p3"',
        'input_map { key: "p3" value: "p9" } input_map {\n key: "p3"',
    )
    assert server.refusal(toy / TOY.name, "toy_mapped_twice") is None, "our rule could go"
    assert [problem.rule for problem in broken()] == ["map-key-twice", "map-key-twice"]


def test_triton_refuses_a_missing_version_folder(toy: Path, server: ExplicitServer) -> None:
    shutil.rmtree(toy / TOY.name / "1")
    assert "version" in str(server.refusal(toy / TOY.name, "toy_without_version"))


def _write_python_toy(root: Path) -> Path:
    write_toy_repository(root)
    for model in ("preprocess", "backbone", "head_a", "head_b", "label_propagation"):
        config = read_config(root / model / "config.pbtxt", model)
        config.backend = "python"
        config.ClearField("model_warmup")
        (root / model / "config.pbtxt").write_text(format_config(config))
        (root / model / "1" / "model.py").write_text(_EMPTY_MODEL)
    shutil.rmtree(root / TOY.name)
    return root


def _wait_until_ready(server: ExplicitServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"tritonserver did not get ready:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
