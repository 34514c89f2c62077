"""What to build for one model: read from its target config, the same file that Triton reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from serving.errors import EngineSettingsError

Precision = Literal["fp16", "fp32"]

SOURCE_NAME = "model.onnx"
PLAN_NAME = "model.plan"

# Raised when the graph is prepared in another way: engines built before are then built again.
PREPARATION_VERSION = 1


@dataclass(frozen=True)
class ShapeRange:
    """Sizes of one input within one profile, the batch first."""

    minimum: tuple[int, ...]
    optimum: tuple[int, ...]
    """What kernels are timed with."""
    maximum: tuple[int, ...]


@dataclass(frozen=True)
class OptimisationProfile:
    """One canvas: ranges of all inputs that come together."""

    range_by_input: Mapping[str, ShapeRange]


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """One engine to build."""

    model: str
    version: int
    onnx_path: Path
    profiles: tuple[OptimisationProfile, ...]
    precision: Precision

    def settings(self) -> dict[str, Any]:
        """All that shapes the engine beside graph, TensorRT and GPU, as JSON values."""
        return {
            "preparation": PREPARATION_VERSION,
            "precision": self.precision,
            "profiles": [
                {name: asdict(sizes) for name, sizes in sorted(profile.range_by_input.items())}
                for profile in self.profiles
            ],
        }

    def settings_digest(self) -> str:
        """Sixteen hexadecimal digits that change with the settings."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:16]


def find_engine_specs(repository: Path, target: str) -> list[EngineSpec]:
    """Read what a target wants built.

    Args:
        repository: Model repository.
        target: Name of the target, as in ``--model-config-name``.

    Returns:
        One for each version of each model whose config for this target says ``tensorrt_plan``.

    Raises:
        EngineSettingsError: There is no such folder, no such model, or a config that no engine can be built from.
    """
    if not repository.is_dir():
        raise EngineSettingsError(f"there is no folder {repository}. Name a model repository with --model-repository.")
    specs = [spec for path in _target_configs(repository, target) for spec in _specs_of(path)]
    if not specs:
        raise EngineSettingsError(
            f'no model of {repository} has a configs/{target}.pbtxt with platform "tensorrt_plan".'
            " Name another target with --target."
        )
    return specs


def _target_configs(repository: Path, target: str) -> Iterator[Path]:
    yield from sorted(repository.glob(f"*/configs/{target}.pbtxt"))


def _specs_of(config_path: Path) -> Iterator[EngineSpec]:
    folder = config_path.parent.parent
    config = _read(config_path)
    if config.platform != "tensorrt_plan" and config.backend != "tensorrt":
        return
    versions = sorted(int(path.parent.name) for path in folder.glob(f"*/{SOURCE_NAME}") if path.parent.name.isdecimal())
    if not versions:
        raise EngineSettingsError(f"{folder} has no <version>/{SOURCE_NAME} to build an engine from.")
    profiles = tuple(_profiles(config, config_path))
    _check_profile_names(config, config_path, profiles)
    for version in versions:
        yield EngineSpec(
            model=folder.name,
            version=version,
            onnx_path=folder / str(version) / SOURCE_NAME,
            profiles=profiles,
            precision=_precision(config, config_path),
        )


def _read(path: Path) -> ModelConfig:
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise EngineSettingsError(f"{path} cannot be read as Triton's ModelConfig: {error}") from error


def _profiles(config: Any, path: Path) -> Iterator[OptimisationProfile]:
    """One profile for each set of input sizes among the warm-ups, in the order in which they stand there."""
    declared = {tensor.name: tuple(tensor.dims) for tensor in config.input}
    seen: list[dict[str, tuple[int, ...]]] = []
    for warmup in config.model_warmup:
        sizes = {name: tuple(tensor.dims) for name, tensor in warmup.inputs.items()}
        if sizes.keys() != declared.keys():
            raise EngineSettingsError(
                f"{path}: warm-up {warmup.name!r} has the inputs {sorted(sizes)}, the model {sorted(declared)}."
                " Each warm-up must give the sizes of all inputs: profiles are made from them."
            )
        if sizes not in seen:
            seen.append(sizes)
    if not seen:
        seen = [declared]
    if any(size < 1 for sizes in seen for dims in sizes.values() for size in dims):
        raise EngineSettingsError(
            f"{path}: an input has a variable size, and no model_warmup says which sizes come."
            " Add a warm-up for each set of sizes."
        )
    batches = _batches(config, path)
    for sizes in seen:
        yield OptimisationProfile(
            {name: ShapeRange(*((*batch, *dims) for batch in batches)) for name, dims in sizes.items()}
        )


def _batches(config: Any, path: Path) -> tuple[tuple[int, ...], ...]:
    """Smallest, optimum and largest batch, each as the first sizes of a shape; empty without batching."""
    largest = int(config.max_batch_size)
    if largest == 0:
        return ((), (), ())
    text = _parameter(config, "engine_optimum_batch_size") or str(largest)
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise EngineSettingsError(
            f"{path}: engine_optimum_batch_size must be 1 to max_batch_size, {largest}, got {text!r}"
        )
    return ((1,), (int(text),), (largest,))


def _check_profile_names(config: Any, path: Path, profiles: tuple[OptimisationProfile, ...]) -> None:
    """Triton uses only the profiles that an instance group lists, and profile 0 where it lists none."""
    expected = [str(index) for index in range(len(profiles))]
    for group in config.instance_group:
        listed = list(group.profile) or ["0"]
        if listed != expected:
            raise EngineSettingsError(
                f"{path}: its warm-ups make {len(profiles)} profiles, so instance_group must have"
                f" profile: {json.dumps(expected)}, got {json.dumps(listed)}"
            )


def _precision(config: Any, path: Path) -> Precision:
    text = _parameter(config, "engine_precision") or "fp16"
    if text not in get_args(Precision):
        raise EngineSettingsError(f"{path}: engine_precision must be one of {get_args(Precision)}, got {text!r}")
    return cast(Precision, text)


def _parameter(config: Any, key: str) -> str:
    return str(config.parameters[key].string_value) if key in config.parameters else ""
