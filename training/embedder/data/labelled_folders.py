"""Folders whose names are the labels of the images inside: `<label>/<image>`."""

from pathlib import Path

from training.data.errors import ReaderError
from training.data.readers.split_annotations import is_val_by_hash
from training.embedder.data.labelled_crop import CropSplit, LabelledCrop

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"})
SPLIT_OF_FOLDER: dict[str, CropSplit] = {"train": "train", "val": "val", "test": "val"}


def read_labelled_folders(folder: Path, split: CropSplit) -> list[LabelledCrop]:
    """Read a split of `<label>/<image>`, or of `{train,val,test}/<label>/<image>`.

    Where no folder names a split, every fifth image by the hash of `<label>/<image>` is for validation. The label is
    the product, and the only label of the kind `label`.

    Raises:
        ReaderError: there is no image.
    """
    names = {path.name for path in _folders(folder)}
    if names and names <= set(SPLIT_OF_FOLDER):
        images = [(image, SPLIT_OF_FOLDER[name]) for name in sorted(names) for image in _images(folder / name)]
    else:
        images = [(i, _split_by_hash(i)) for i in _images(folder)]
    if not images:
        raise ReaderError(
            f"{folder} is no set of crops: it has no labels.json, no annotations, and no <label>/<image> with one of "
            f"{' '.join(sorted(SUFFIXES))}"
        )
    return [
        LabelledCrop(
            path=image,
            box_xyxy_px=None,
            product=image.parent.name,
            labels={"label": (image.parent.name,)},
            data_set=folder.name,
            split=own_split,
        )
        for image, own_split in images
        if split in ("all", own_split)
    ]


def _split_by_hash(image: Path) -> CropSplit:
    return "val" if is_val_by_hash(f"{image.parent.name}/{image.name}") else "train"


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    return [
        image
        for label in _folders(folder)
        for image in sorted(label.iterdir())
        if image.is_file() and image.suffix.lower() in SUFFIXES
    ]
