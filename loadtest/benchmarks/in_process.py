"""The ensemble without a server: the same files, called one after the other in this process."""

import importlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

Tensors = dict[str, np.ndarray[Any, Any]]

Settings = Literal["as served", "defaults", "tuned"]
"""How the graphs' sessions are set up.

`as served`: threads and session entries of each model's own config. `defaults`: ONNX Runtime's, what one gets by just
calling it; on few cores the threads of one session spin while it is another session's turn. `tuned`: the fastest way
found to call several graphs in turn in one process: all cores for each, and threads that stop spinning when a run ends.
"""

TUNED_ENTRIES = {"session.force_spinning_stop": "1"}


class InProcessEnsemble:
    """Runs an ensemble's steps in the order of its config; the baseline that serving is measured against."""

    def __init__(self, repository: Path, *, settings: Settings, ensemble: str = "detect") -> None:
        """Load every step.

        Args:
            repository: The model repository.
            settings: How the graphs' sessions are set up.
            ensemble: Its steps are `preprocess` and models of the backend "onnxruntime".
        """
        self._steps = []
        for step in _read_config(repository / ensemble).ensemble_scheduling.step:
            folder = repository / step.model_name
            version = str(step.model_version) if step.model_version > 0 else "1"
            config = _read_config(folder)
            if config.backend == "python":
                run = _preprocess(folder / version, config)
            else:
                run = _graph(folder / version, _session_options(config, settings))
            self._steps.append((step.model_name, dict(step.input_map), dict(step.output_map), run))

    def __call__(self, image: bytes) -> tuple[Tensors, dict[str, float]]:
        """Return the ensemble's tensors for one encoded image, and the milliseconds of each step."""
        tensors: dict[str, Any] = {"image": image}
        milliseconds: dict[str, float] = {}
        for name, input_map, output_map, run in self._steps:
            started = time.perf_counter()
            outputs = run({theirs: tensors[ours] for theirs, ours in input_map.items()}, list(output_map))
            milliseconds[name] = 1e3 * (time.perf_counter() - started)
            tensors |= {output_map[theirs]: value for theirs, value in outputs.items()}
        return tensors, milliseconds


def _read_config(folder: Path) -> Any:
    return text_format.Parse((folder / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())


def _session_options(config: Any, settings: Settings) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    if settings == "tuned":
        for key, value in TUNED_ENTRIES.items():
            options.add_session_config_entry(key, value)
    if settings == "as served":
        for key, parameter in config.parameters.items():
            if key == "intra_op_thread_count":
                options.intra_op_num_threads = int(parameter.string_value)
            elif key == "inter_op_thread_count":
                options.inter_op_num_threads = int(parameter.string_value)
            elif key.startswith("session."):
                options.add_session_config_entry(key, parameter.string_value)
    return options


def _graph(version_folder: Path, options: onnxruntime.SessionOptions) -> Any:
    session = onnxruntime.InferenceSession(
        str(version_folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )

    def run(inputs: Mapping[str, Any], outputs: list[str]) -> Tensors:
        return dict(zip(outputs, session.run(outputs, dict(inputs)), strict=True))

    return run


def _preprocess(version_folder: Path, config: Any) -> Any:
    """Import the model's own modules as Triton does: by bare name from its version folder."""
    sys.dont_write_bytecode = True  # a __pycache__ in the repository would be a model to Triton
    sys.path.insert(0, str(version_folder))
    try:
        image_limits = importlib.import_module("image_limits")
        preprocessor_module = importlib.import_module("image_preprocessor")
    finally:
        sys.path.remove(str(version_folder))
    parameters = {key: parameter.string_value for key, parameter in config.parameters.items()}
    preprocessor = preprocessor_module.ImagePreprocessor(image_limits.ImageLimits.from_parameters(parameters))

    def run(inputs: Mapping[str, Any], outputs: list[str]) -> Tensors:
        image = preprocessor.preprocess(inputs["image"], preprocessor_module.canvases_for(outputs))
        tensors = image.tensors()
        return {name: tensors[name][np.newaxis] for name in outputs}

    return run
