"""COCO's format, and LVIS's, which is COCO's with lists of what is known of an image.

ours     annotations.json, images/, split.json
COCO's   annotations/instances_{train,val}2017.json, {train,val}2017/
LVIS's   lvis_v1_{train,val}.json here or in annotations/, {train,val}2017/ as the images' coco_url says
"""

from pathlib import Path
from typing import Any

from training.data.errors import ReaderError
from training.data.readers.split_annotations import Split, SplitAnnotations, names_of_split, read_json


def find_coco_file(folder: Path, split: Split) -> Path | None:
    """Return the file of a split; None if the folder holds none of ours, COCO's or LVIS's."""
    own = folder / "annotations.json"
    if own.is_file():
        return own
    patterns = (f"annotations/instances_{split}*.json", f"lvis_*_{split}.json", f"annotations/lvis_*_{split}.json")
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ReaderError(f"{folder} holds {len(found)} files for {split}: {names}; keep the one that is meant")
    return found[0] if found else None


def read_coco(folder: Path, split: Split, file: Path | None = None) -> SplitAnnotations:
    """Read a split of COCO or LVIS.

    Args:
        folder: of the data set.
        split: of it.
        file: another file than the usual one.

    Raises:
        ReaderError: the folder holds no such file, or what it holds is not COCO's format.
    """
    path = file or find_coco_file(folder, split)
    if path is None:
        raise ReaderError(
            f"{folder} has no annotations.json, annotations/instances_{split}*.json or lvis_*_{split}.json"
        )
    dataset = read_json(path)
    _check(path, dataset)
    info = dataset.get("info") if isinstance(dataset.get("info"), dict) else {}
    if info.get("oracle"):
        return _completed(folder, split, path, dataset)
    in_images = (folder / "images").is_dir()
    if not all("file_name" in image for image in dataset["images"]):
        dataset = {**dataset, "images": [_with_file_name(image) for image in dataset["images"]]}
    holds_all_splits = path.name == "annotations.json" or file is not None
    images_folder = folder / "images" if in_images else _image_folder(folder, split, path, dataset)
    return SplitAnnotations(
        dataset=dataset,
        images_folder=images_folder,
        names_of_split=names_of_split(folder, split, (i["file_name"] for i in dataset["images"] if "file_name" in i))
        if holds_all_splits
        else None,
        files=(path,),
    )


def _completed(folder: Path, split: Split, path: Path, dataset: dict[str, Any]) -> SplitAnnotations:
    """What `complete-labels` wrote: one split, with the folder of its photos."""
    info = dataset["info"]
    if info.get("split") != split:
        raise ReaderError(f"{path} completes the split {info.get('split')!r} of {folder.name}, not {split}")
    return SplitAnnotations(
        dataset=dataset, images_folder=folder / str(info["images_folder"]), names_of_split=None, files=(path,)
    )


def _check(path: Path, dataset: Any) -> None:
    for name, needed in (("images", "id"), ("categories", "id"), ("categories", "name"), ("annotations", "image_id")):
        entries = dataset.get(name) if isinstance(dataset, dict) else None
        if not isinstance(entries, list):
            raise ReaderError(f"{path} is not in COCO's format: it has no list {name!r}")
        for position, entry in enumerate(entries):
            if not isinstance(entry, dict) or needed not in entry:
                raise ReaderError(f"{path} is not in COCO's format: entry {position} of {name!r} has no {needed!r}")


def _with_file_name(image: dict[str, Any]) -> dict[str, Any]:
    """LVIS names no file but the URL of COCO's, whose last two parts are folder and file."""
    if "file_name" in image or "coco_url" not in image:
        return image  # without either it is counted as broken
    return {**image, "file_name": "/".join(str(image["coco_url"]).split("/")[-2:])}


def _image_folder(folder: Path, split: Split, path: Path, dataset: dict[str, Any]) -> Path:
    """COCO's `train2017/` by the year in the file's name; the folder itself where file names hold folders."""
    if any("/" in image.get("file_name", "") for image in dataset["images"][:1]):
        return folder
    year = path.stem.rpartition(split)[2]
    for candidate in (f"{split}{year}", split, f"images/{split}{year}"):
        if (folder / candidate).is_dir():
            return folder / candidate
    raise ReaderError(f"{folder} has no folder of photos: neither images/ nor {split}{year}/")
