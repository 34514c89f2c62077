"""What a release is called inside a rollout folder, and its configs in those words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.config_file import format_config
from ensembles.releases.manifest import Manifest, ReleasedFile

_DIGITS = 10
_SERVED_NAME = re.compile(rf".+\.[0-9a-f]{{{_DIGITS}}}")


def served_names(manifest: Manifest) -> dict[str, str]:
    """Name in the rollout folder of every model and ensemble of a release, by its name in the release.

    Equal content has an equal name, so that what two releases share stays loaded. An ensemble has such a name too,
    beside its public one: under it, it is tried before the public one is touched.
    """
    names = {name: f"{name}.{_digest(model.files)}" for name, model in manifest.models.items()}
    # The text of an ensemble names its models only by their names in the release: their content belongs to its own.
    everything = [file for model in manifest.models.values() for file in model.files]
    for name, ensemble in manifest.ensembles.items():
        names[name] = f"{name}.{_digest([*ensemble.files, *everything])}"
    return names


def is_served_name(folder_name: str) -> bool:
    """Whether a folder was called after its content."""
    return _SERVED_NAME.fullmatch(folder_name) is not None


def rename_config(text: str, name: str, names: Mapping[str, str]) -> str:
    """A config under another name, whose steps name models as they are served.

    Args:
        text: a config.pbtxt of a release.
        name: that of its folder.
        names: as `served_names` gives them.
    """
    config = text_format.Parse(text, ModelConfig())
    config.name = name
    for step in config.ensemble_scheduling.step:
        step.model_name = names[step.model_name]
    return format_config(config)


def placeholder_config(text: str, name: str, versions: list[int]) -> str:
    """The config of a loaded ensemble as one of another name and other versions: it loads at once and costs nothing."""
    config = text_format.Parse(text, ModelConfig())
    config.name = name
    config.version_policy.Clear()
    config.version_policy.specific.versions.extend(versions)
    return format_config(config)


def read_text(folder: Path, path: str) -> str:
    """A config of a fetched release."""
    return (folder / path).read_text(encoding="utf-8")


def _digest(files: list[ReleasedFile] | tuple[ReleasedFile, ...]) -> str:
    lines = sorted(f"{file.sha256} {file.path}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]
