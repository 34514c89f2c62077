"""What every reader returns."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.data.errors import ReaderError
from training.data.problems import DataProblem

Split = Literal["train", "val"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitAnnotations:
    """A data set, or one split of it, in COCO's format."""

    dataset: dict[str, Any]
    """`images` (`file_name` relative to `images_folder`), `categories`, `annotations` with `bbox` [x, y, width, height]
    in pixels from 0. Beyond COCO: `images[].neg_category_ids` and `not_exhaustive_category_ids` (LVIS),
    `images[].verified_category_ids` and `annotations[].is_group_of` (OpenImages), `source: oracle` of a category or an
    annotation that no person made."""
    images_folder: Path
    names_of_split: frozenset[str] | None
    """`file_name` of the photos of the split; None is all."""
    files: tuple[Path, ...]
    """What was read."""
    problems: tuple[DataProblem, ...] = field(default=())


def names_of_split(folder: Path, split: Split, file_names: Iterable[str]) -> frozenset[str]:
    """Return a split's file names by split.json; without one, every fifth by the hash of its name is for validation.

    Raises:
        ReaderError: split.json is not `{"train": [...], "val": [...]}`.
    """
    path = folder / "split.json"
    if path.exists():
        listed = read_json(path)
        if not isinstance(listed, dict) or split not in listed:
            raise ReaderError(f'{path} must be {{"train": [file names], "val": [file names]}}')
        return frozenset(listed[split])
    return frozenset(name for name in file_names if is_val_by_hash(name) is (split == "val"))


def is_val_by_hash(file_name: str) -> bool:
    """Whether a photo of a set that names no split is for validation: every fifth is, for good."""
    return int(hashlib.sha1(file_name.encode()).hexdigest(), 16) % 5 == 0


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        ReaderError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ReaderError(f"{path} cannot be read as JSON: {error}") from error
