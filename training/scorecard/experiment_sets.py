"""The photos of the experiments: data sets as they are, and what is made from them, all folders in COCO's format.

- `fruit`: the set in GENOD_DATA/detection;
- `fruit@60`: its photos at 60 % of the size that a detector sees usually, for robustness to scale;
- `fruit:products`: its objects cut out and laid on white, as pictures of single products are; `fruit:products12`: only
  those of its first 12 photos.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.data.coco_photos import CocoPhotos, Split
from training.data.merged_photos import in_categories
from training.data.roots import data_set_folder
from training.scorecard.errors import ScorecardError
from training.taxonomy import Taxonomy, load_mapping_of


def source_of(name: str) -> str:
    """Return the data set that a name of an experiment's set is made from."""
    return name.partition(":")[0].partition("@")[0]


def open_set(work_folder: Path, name: str, split: Split, taxonomy: Taxonomy) -> CocoPhotos:
    """Return a split in the taxonomy's categories; what is derived is made when it is first asked for.

    Args:
        work_folder: derived sets are kept in it, under `sets`.
        name: as above.
        split: of the set and of its source alike.
        taxonomy: the categories.
    """
    source = source_of(name)
    mapping = load_mapping_of(source, taxonomy)
    if name == source:
        return in_categories(CocoPhotos(data_set_folder(name), split), mapping, taxonomy)
    return in_categories(CocoPhotos(_derived(work_folder, name, split), split), mapping, taxonomy)


def folder_name(name: str, split: Split) -> str:
    """Return the name of the folder of a derived set, which its photos bear as their set's name."""
    return f"{name.replace('@', '_at_').replace(':', '_')}_{split}"


def make_set(work_folder: Path, *, name: str, split: Split) -> int:
    """Make a derived set anew, whatever an earlier run has left of it; return the number of its photos."""
    shutil.rmtree(work_folder / "sets" / folder_name(name, split), ignore_errors=True)
    return len(CocoPhotos(_derived(work_folder, name, split), split).photos)


def _derived(work_folder: Path, name: str, split: Split) -> Path:
    folder = work_folder / "sets" / folder_name(name, split)
    if not (folder / "split.json").exists():
        photos = CocoPhotos(data_set_folder(source_of(name)), split)
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder.parent))
        (aside / "images").mkdir()
        made = _make(name, photos, aside / "images")
        categories = [{"id": i, "name": label} for label, i in photos.category_ids.items()]
        (aside / "annotations.json").write_text(json.dumps({**made, "categories": categories}))
        names = [image["file_name"] for image in made["images"]]
        (aside / "split.json").write_text(json.dumps({"train": [], "val": [], split: names}))
        # Another worker may have been faster: its folder holds the same.
        with contextlib.suppress(OSError):
            os.rename(aside, folder)
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _make(name: str, photos: CocoPhotos, images: Path) -> Mapping[str, Any]:
    from training.scorecard.single_products import single_products
    from training.scorecard.smaller_photos import smaller_photos

    _, _, percent = name.partition("@")
    if percent.isdecimal():
        return smaller_photos(photos, images, scale=int(percent) / 100)
    _, _, kind = name.partition(":")
    limit = kind.removeprefix("products")
    if kind.startswith("products") and (limit.isdecimal() or not limit):
        return single_products(photos, images, limit=int(limit) if limit else None)
    raise ScorecardError(f"no set {name!r}: write <set>, <set>@<percent> or <set>:products, and maybe a number behind")
