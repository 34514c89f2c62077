"""Read the taxonomy and its mappings as they were in another revision."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from training.taxonomy.dataset_mapping import DatasetMapping
from training.taxonomy.errors import TaxonomyError
from training.taxonomy.load import load_taxonomy
from training.taxonomy.mapping import load_mappings
from training.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Revision:
    """A taxonomy and the mappings onto it."""

    taxonomy: Taxonomy
    mappings: tuple[DatasetMapping, ...] | None
    """None where only a taxonomy file was given."""


def load_revision(revision: str, *, taxonomy_path: Path, mappings_folder: Path) -> Revision:
    """Read another revision.

    Args:
        revision: a git revision ("HEAD~3", "v1.2"), a taxonomy file, or a folder with `taxonomy.yaml` and `mappings/`.
        taxonomy_path: where the taxonomy lies in the present revision.
        mappings_folder: where the mappings lie in the present revision.

    Raises:
        TaxonomyError: there is no such revision or file, or what it holds cannot be read.
    """
    path = Path(revision)
    if path.is_file():
        return Revision(load_taxonomy(path), None)
    if path.is_dir():
        taxonomy = load_taxonomy(path / "taxonomy.yaml")
        return Revision(taxonomy, load_mappings(taxonomy, path / "mappings"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _check_out(revision, taxonomy_path, mappings_folder, folder)
        try:
            taxonomy = load_taxonomy(folder / "taxonomy.yaml")
            return Revision(taxonomy, load_mappings(taxonomy, folder / "mappings"))
        except TaxonomyError as error:
            raise TaxonomyError(str(error).replace(f"{folder}/", f"{revision}:")) from None


def _check_out(revision: str, taxonomy_path: Path, mappings_folder: Path, folder: Path) -> None:
    """Write the files of a git revision into a folder."""
    if (
        revision.startswith("-")
        or _git(taxonomy_path.parent, "rev-parse", "--verify", f"{revision}^{{commit}}") is None
    ):
        raise TaxonomyError(
            f"there is no revision {revision!r}: give a git revision of the repository that holds {taxonomy_path} "
            "(HEAD~1, a tag, a commit), a taxonomy file, or a folder with taxonomy.yaml and mappings/"
        )
    text = _git(taxonomy_path.parent, "show", f"{revision}:./{taxonomy_path.name}")
    if text is None:
        raise TaxonomyError(f"the revision {revision!r} has no {taxonomy_path.name} where {taxonomy_path} is")
    (folder / "taxonomy.yaml").write_bytes(text)
    (folder / "mappings").mkdir()
    listing = _git(mappings_folder, "ls-tree", "-z", "--name-only", revision, "./") or b""
    for name in filter(None, listing.decode().split("\0")):
        if name.endswith(".yaml"):
            content = _git(mappings_folder, "show", f"{revision}:./{name}")
            (folder / "mappings" / name).write_bytes(content or b"")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where it refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise TaxonomyError("git is not installed: compare with a taxonomy file or a folder instead") from None
    return done.stdout if done.returncode == 0 else None
