"""A version folder never changes and its number is never used again: results, caches and rollbacks rely on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ensembles.errors import ReleaseChanged
from ensembles.releases.checkout import contents_of_version
from ensembles.releases.manifest import Manifest, ReleasedFile


def refuse_reused_versions(manifest: Manifest, earlier: Sequence[Manifest], root: Path | None = None) -> None:
    """Compare the version folders that a release pins with those of the releases before it.

    Args:
        manifest: the newer release.
        earlier: the releases before it.
        root: the checkout's model repository, whose versions are taken too, for the advice.

    Raises:
        ReleaseChanged: listing every file that differs.
    """
    changes = []
    for old in earlier:
        for name in sorted(old.models.keys() & manifest.models.keys()):
            for version in sorted({*old.models[name].versions} & {*manifest.models[name].versions}):
                before = old.models[name].files_of_version(name, version)
                changed = changed_paths(before, manifest.models[name].files_of_version(name, version))
                if changed:
                    free = f"{name}/{_next_free(name, [*earlier, manifest], root)}"
                    changes.append(
                        f"{name}/{version} differs from what release {old.number} pins: {', '.join(changed)}. "
                        f"Put it in {free}, and pin that version in the wiring."
                    )
    if changes:
        raise ReleaseChanged("version folders are immutable:\n  " + "\n  ".join(dict.fromkeys(changes)))


def find_changed_folders(manifest: Manifest, root: Path) -> list[str]:
    """What the checkout changed under version folders of a release; a folder that is gone altogether is no change."""
    found = []
    for name, model in sorted(manifest.models.items()):
        for version in model.versions:
            if not (root / name / str(version)).is_dir():
                continue
            now = {content.path: content.describe() for content in contents_of_version(root / name, version)}
            changed = changed_paths(model.files_of_version(name, version), now)
            if changed:
                free = _next_free(name, [manifest], root)
                found.append(
                    f"{name}/{version} is no longer what release {manifest.number} pins: {', '.join(changed)}. Version "
                    f"folders are immutable: put it in {name}/{free}, and pin that version in the wiring."
                )
    return found


def changed_paths(before: dict[str, ReleasedFile], after: dict[str, ReleasedFile]) -> list[str]:
    """`file (changed)`, `file (removed)`, `file (added)`, by path."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        name = path.split("/", 2)[-1]
        if path not in after:
            found.append(f"{name} (removed)")
        elif path not in before:
            found.append(f"{name} (added)")
        elif before[path] != after[path]:
            found.append(f"{name} (changed)")
    return found


def _next_free(name: str, manifests: Sequence[Manifest], root: Path | None) -> int:
    taken = {version for manifest in manifests if name in manifest.models for version in manifest.models[name].versions}
    if root is not None and (root / name).is_dir():
        taken |= {int(entry.name) for entry in (root / name).iterdir() if entry.name.isdecimal()}
    return max(taken, default=0) + 1
