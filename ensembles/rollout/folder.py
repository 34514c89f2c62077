"""A rollout folder: the models that a server mounts, and the note which release is active."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ensembles.errors import ActivationFailed
from ensembles.releases.disk import remove_tree, rename_durably, write_durably
from ensembles.releases.fetching import MANIFEST_COPY
from ensembles.releases.manifest import Manifest, ReleasedFile
from ensembles.releases.manifest_reader import parse_manifest
from ensembles.rollout.served_names import is_served_name, placeholder_config, read_text, rename_config

_PLACEHOLDER = "placeholder"


@dataclass(frozen=True, kw_only=True)
class ActiveRelease:
    """What `active.json` holds."""

    release: int
    previous: int | None
    """The release that was active before; what `rollback` goes back to."""
    ensembles: list[str]
    """What a server must load when it starts; their models follow."""


class RolloutFolder:
    """The folder of one server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.models = path / "models"
        self.releases = path / "releases"
        self.lock = path / "lock"

    def prepare(self) -> None:
        """Make the folder where it is missing, and take away what a killed run left half made."""
        for folder in (self.models, self.releases, self._workshop):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._workshop.iterdir():
            shutil.rmtree(leftover)

    def active(self) -> ActiveRelease | None:
        """The active release; None before the first activation.

        Raises:
            ActivationFailed: the note cannot be read.
        """
        path = self.path / "active.json"
        if not path.is_file():
            return None
        try:
            return ActiveRelease(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ActivationFailed(
                f"{path} cannot be read ({error}). Remove it and activate the wanted release again."
            ) from error

    def fetched_manifest(self, number: int) -> Manifest | None:
        """The manifest of a release that lies here; None where it does not."""
        copy = self.releases / str(number) / MANIFEST_COPY
        return parse_manifest(copy.read_text(encoding="utf-8"), str(copy)) if copy.is_file() else None

    def note_active(self, active: ActiveRelease) -> None:
        """Write the note, atomically."""
        write_durably(self.path / "active.json", [(json.dumps(asdict(active), indent=1) + "\n").encode()])

    def add_model(self, manifest: Manifest, name: str, names: Mapping[str, str]) -> None:
        """Put a model or a trial ensemble of a fetched release into `models/`, whole or not at all."""
        served = names[name]
        if self.is_placeholder(served):
            self.remove(served)
        if (self.models / served).is_dir():
            return
        building = self._workshop / served
        shutil.rmtree(building, ignore_errors=True)
        part = manifest.models.get(name) or manifest.ensembles[name]
        for file in part.files:
            self._place(manifest, file, building / file.path.split("/", 1)[1], served, names)
        for version in building.iterdir():
            if version.is_dir() and version.name.isdecimal():
                # Python would make this a folder, which changes the version folder's time, and Triton would load the
                # model a second time when something that needs it is loaded.
                (version / "__pycache__").touch()
        os.makedirs(self.models, exist_ok=True)
        rename_durably(building, self.models / served)

    def write_ensemble(self, manifest: Manifest, name: str, names: Mapping[str, str]) -> str | None:
        """Make `models/<ensemble>` the release's, under its public name.

        Returns:
            The config that was there before; None for a new ensemble.
        """
        folder = self.models / name
        version = folder / str(manifest.ensembles[name].version)
        version.mkdir(parents=True, exist_ok=True)
        text = rename_config(read_text(self.releases / str(manifest.number), f"{name}/config.pbtxt"), name, names)
        before = self.ensemble_config(name)
        self.write_ensemble_config(name, text)
        return before

    def ensemble_config(self, name: str) -> str | None:
        """The config of a public ensemble; None where there is none."""
        path = self.models / name / "config.pbtxt"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def write_ensemble_config(self, name: str, text: str) -> None:
        """Replace the config of a public ensemble, atomically; untouched where it is that already."""
        if self.ensemble_config(name) != text:
            write_durably(self.models / name / "config.pbtxt", [text.encode()])

    def make_placeholder(self, served: str, versions: list[int], of_config: str) -> None:
        """Replace a model that failed to load by one that loads for certain, under the same name."""
        self.remove(served)
        building = self._workshop / served
        for version in versions:
            (building / str(version)).mkdir(parents=True)
        (building / _PLACEHOLDER).touch()
        (building / "config.pbtxt").write_text(placeholder_config(of_config, served, versions), encoding="utf-8")
        rename_durably(building, self.models / served)

    def is_placeholder(self, served: str) -> bool:
        """Whether a folder is one of `make_placeholder`."""
        return (self.models / served / _PLACEHOLDER).exists()

    def names(self) -> list[str]:
        """Every folder in `models/`."""
        return sorted(entry.name for entry in self.models.iterdir() if entry.is_dir())

    def public_names(self) -> list[str]:
        """The ensembles among them."""
        return [name for name in self.names() if not is_served_name(name)]

    def remove(self, name: str) -> None:
        """Take a folder out of `models/`."""
        if (self.models / name).exists():
            aside = self._workshop / f"removed.{name}"
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(self.models / name, aside)
            shutil.rmtree(aside)

    def remove_other_versions(self, ensemble: str, version: int) -> None:
        """Take the version folders of earlier releases out of a public ensemble."""
        for entry in (self.models / ensemble).iterdir():
            if entry.is_dir() and entry.name != str(version):
                remove_tree(entry)

    @property
    def _workshop(self) -> Path:
        return self.path / ".building"

    def _place(
        self, manifest: Manifest, file: ReleasedFile, target: Path, served: str, names: Mapping[str, str]
    ) -> None:
        source = self.releases / str(manifest.number) / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".pbtxt":
            text = read_text(self.releases / str(manifest.number), file.path)
            target.write_text(rename_config(text, served, names), encoding="utf-8")
            return
        # No link: Triton looks at a file's change time too, and a new link to it, or a removed one, would make it load
        # the model a second time.
        shutil.copyfile(source, target)
