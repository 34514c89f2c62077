"""An ensemble of the model repository without a server: the same files, run one after the other in this process.

    ensemble = OfflineEnsemble(Path("model_repository"), "visual_search")
    answer = ensemble({"image": Path("photo.jpg").read_bytes()}, ["object_boxes", "num_objects", "hashes"])

The answer is the served one to the bit: graphs, their settings and what decodes the photo are read from the repository.
"""

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from training.embedder.export.errors import OfflineError

Array = npt.NDArray[Any]
RunStep = Callable[[dict[str, Any], list[str]], dict[str, Array]]
"""Takes a step's inputs and the names of the wanted outputs; tensors have a batch dimension of 1, an image is bytes."""
PYTHON_MODEL = "preprocess"
"""The only one; the other models are graphs."""


@dataclass(frozen=True, slots=True)
class _Step:
    run: RunStep
    input_map: Mapping[str, str]
    """Model's tensor -> ensemble's."""
    output_map: Mapping[str, str]


class OfflineEnsemble:
    """Runs an ensemble's steps for one photo at a time.

    Attributes:
        parameters: of the ensemble's config, such as `embedder_version`.
    """

    def __init__(self, repository: Path, name: str) -> None:
        """Load every model of an ensemble.

        Args:
            repository: the model repository, or a fetched release.
            name: of the ensemble.

        Raises:
            OfflineError: something of it is missing, or is no ONNX graph and not preprocess.
        """
        config = _read_config(repository / name)
        self.parameters: dict[str, str] = {key: value.string_value for key, value in config.parameters.items()}
        self._steps: list[_Step] = []
        for step in config.ensemble_scheduling.step:
            folder = repository / step.model_name / str(step.model_version)
            self._steps.append(
                _Step(_load(step.model_name, folder), dict(step.input_map), dict(step.output_map)),
            )

    def __call__(self, inputs: Mapping[str, Any], outputs: Collection[str]) -> dict[str, Array]:
        """Answer for one photo.

        Args:
            inputs: the ensemble's inputs, without the batch dimension; `image` is the file's bytes.
            outputs: names of the ensemble's outputs.

        Returns:
            Those outputs, without the batch dimension.

        Raises:
            OfflineError: the photo is refused, with preprocess's reason.
        """
        tensors: dict[str, Any] = {
            name: value if isinstance(value, bytes) else np.asarray(value)[np.newaxis] for name, value in inputs.items()
        }
        for step, wanted in zip(self._steps, self._wanted_per_step(outputs), strict=True):
            if not wanted:
                continue
            found = step.run({theirs: tensors[ours] for theirs, ours in step.input_map.items()}, wanted)
            tensors |= {step.output_map[theirs]: value for theirs, value in found.items()}
        return {name: tensors[name][0] for name in outputs}

    def _wanted_per_step(self, outputs: Collection[str]) -> list[list[str]]:
        """Outputs of each step that somebody needs; the server too skips the others."""
        needed = set(outputs)
        wanted_per_step: list[list[str]] = []
        for step in reversed(self._steps):
            wanted = [theirs for theirs, ours in step.output_map.items() if ours in needed]
            needed |= set(step.input_map.values()) if wanted else set()
            wanted_per_step.append(wanted)
        return wanted_per_step[::-1]


def _read_config(folder: Path) -> Any:
    path = folder / "config.pbtxt"
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), model_config_pb2.ModelConfig())
    except (OSError, text_format.ParseError) as error:
        raise OfflineError(
            f"{path} cannot be read ({error}): name a model repository with that model, such as model_repository"
        ) from error


def _load(model: str, version_folder: Path) -> RunStep:
    config = _read_config(version_folder.parent)
    if model == PYTHON_MODEL:
        return _preprocess(version_folder, config)
    path = version_folder / "model.onnx"
    if config.backend != "onnxruntime" or not path.is_file():
        raise OfflineError(f"{path} does not exist, or {model} is no ONNX graph: export it (python -m training export)")
    session = onnxruntime.InferenceSession(path, _session_options(config), providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, Any], outputs: list[str]) -> dict[str, Array]:
        return dict(zip(outputs, session.run(outputs, inputs), strict=True))

    return run


def _session_options(config: Any) -> onnxruntime.SessionOptions:
    """The settings that the server reads from the same config."""
    options = onnxruntime.SessionOptions()
    parameters = {key: value.string_value for key, value in config.parameters.items()}
    options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", "0"))
    options.inter_op_num_threads = int(parameters.get("inter_op_thread_count", "0"))
    for key, value in parameters.items():
        if key.startswith("session."):
            options.add_session_config_entry(key, value)
    return options


def _preprocess(version_folder: Path, config: Any) -> RunStep:
    modules = _import_siblings(version_folder, ("image_limits", "image_refused", "image_preprocessor", "decode"))
    limits = modules["image_limits"].ImageLimits.from_parameters(
        {key: value.string_value for key, value in config.parameters.items()}
    )
    modules["decode"].guard_pillow(limits)
    preprocessor = modules["image_preprocessor"].ImagePreprocessor(limits)

    def run(inputs: dict[str, Any], outputs: list[str]) -> dict[str, Array]:
        try:
            image = preprocessor.preprocess(inputs["image"], modules["image_preprocessor"].canvases_for(outputs))
        except modules["image_refused"].ImageRefusedError as error:
            raise OfflineError(str(error)) from error
        tensors = image.tensors()
        return {name: tensors[name][np.newaxis] for name in outputs}

    return run


def _import_siblings(folder: Path, names: Collection[str]) -> dict[str, Any]:
    """Import the files of a Python model by bare name, as Triton does, and leave no trace of it."""
    siblings = {file.stem for file in folder.glob("*.py")}
    if missing := sorted(set(names) - siblings):
        raise OfflineError(
            f"{folder} lacks {', '.join(missing)}.py: name a model repository of this checkout's release"
        )
    # Bare names belong to nobody: another repository's files may have the same.
    others = {name: sys.modules.pop(name) for name in siblings if name in sys.modules}
    dont_write_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a __pycache__ in the repository is nothing that tritonserver should mount
    sys.path.insert(0, str(folder))
    try:
        return {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = dont_write_bytecode
        for name in siblings:
            sys.modules.pop(name, None)
        sys.modules.update(others)
