"""One model of a repository, as far as its files tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from ensembles.config_file import type_name
from ensembles.tensors import TensorSpec

_DEFAULT_FILES = {"onnxruntime": "model.onnx", "python": "model.py", "tensorrt": "model.plan"}
_BACKEND_OF_PLATFORM = {"onnxruntime_onnx": "onnxruntime", "tensorrt_plan": "tensorrt"}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model's folder and the config that holds on one target."""

    name: str
    """Name of its folder, which is what Triton and every ensemble call it."""
    folder: Path
    config_path: Path
    config: ModelConfig

    @property
    def is_ensemble(self) -> bool:
        """Whether Triton schedules it instead of running it."""
        return bool(self.config.platform == "ensemble" or self.config.HasField("ensemble_scheduling"))

    @property
    def backend(self) -> str:
        """Name of the backend, also where the config uses the older `platform`; empty if neither is given."""
        platform = str(self.config.platform)
        return str(self.config.backend) or _BACKEND_OF_PLATFORM.get(platform, platform)

    @property
    def batches(self) -> bool:
        """Whether its tensors have a batch dimension which the config does not show."""
        return bool(self.config.max_batch_size > 0)

    @property
    def on_gpu(self) -> bool:
        """Whether the config puts it on a GPU. TensorRT runs nowhere else, whatever the config says."""
        kinds = [group.kind for group in self.config.instance_group]
        return self.backend == "tensorrt" or ModelInstanceGroup.KIND_GPU in kinds

    @property
    def file_name(self) -> str | None:
        """The file each version folder must hold; None for an ensemble and for a backend not known here."""
        if self.is_ensemble:
            return None
        return str(self.config.default_model_filename) or _DEFAULT_FILES.get(self.backend)

    @property
    def file_is_built_on_target(self) -> bool:
        """Whether the serving machine makes the model file: a TensorRT plan fits one GPU and one version."""
        return self.backend == "tensorrt"

    def versions(self) -> list[int]:
        """Versions in the folder, ascending: numeric names without leading zero; Triton ignores the rest."""
        names = [entry.name for entry in self.folder.iterdir() if entry.is_dir()]
        return sorted(int(name) for name in names if name.isdecimal() and not name.startswith("0"))

    def served_versions(self) -> list[int]:
        """Those versions which `version_policy` lets Triton load."""
        policy, present = self.config.version_policy, self.versions()
        choice = policy.WhichOneof("policy_choice")
        if choice == "all":
            return present
        if choice == "specific":
            return [version for version in present if version in policy.specific.versions]
        return present[-max(1, policy.latest.num_versions) :]

    def inputs(self) -> dict[str, TensorSpec]:
        """Declared inputs by name, in the config's order."""
        return self._specs(self.config.input)

    def outputs(self) -> dict[str, TensorSpec]:
        """Declared outputs by name, in the config's order."""
        return self._specs(self.config.output)

    def optional_inputs(self) -> set[str]:
        """Inputs which a request may leave out."""
        return {tensor.name for tensor in self.config.input if tensor.optional}

    def _specs(self, tensors: Sequence[Any]) -> dict[str, TensorSpec]:
        return {
            tensor.name: TensorSpec(type_name(tensor.data_type), tuple(tensor.dims), self.batches) for tensor in tensors
        }
