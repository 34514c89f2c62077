"""Which reader a folder needs."""

from pathlib import Path
from typing import Literal, get_args

from training.data.errors import ReaderError
from training.data.readers.coco import find_coco_file, read_coco
from training.data.readers.openimages import is_openimages, read_openimages
from training.data.readers.split_annotations import Split, SplitAnnotations
from training.data.readers.voc import is_voc, read_voc

DataFormat = Literal["coco", "lvis", "openimages", "voc"]
FORMATS: tuple[DataFormat, ...] = get_args(DataFormat)


def read_annotations(folder: Path, split: Split, *, file: str = "") -> SplitAnnotations:
    """Read one split of a data set in any format that we know, by what its folder holds.

    Args:
        folder: of the data set.
        split: train or val.
        file: a file in COCO's format inside the folder to read in place of the usual one, or an absolute path.

    Raises:
        FileNotFoundError: there is no such folder, or it holds nothing that we read.
        ReaderError: what it holds is broken.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    if file:
        if not (folder / file).is_file():
            raise FileNotFoundError(f"{folder / file} does not exist")
        return read_coco(folder, split, folder / file)
    if find_coco_file(folder, split):
        return read_coco(folder, split)
    if is_voc(folder):
        return read_voc(folder, split)
    if is_openimages(folder):
        return read_openimages(folder, split)
    raise ReaderError(
        f"{folder} has no annotations.json, annotations/instances_{split}*.json, lvis_*_{split}.json, Annotations/ or "
        "*annotations-bbox.csv: a data set is in the format of COCO, LVIS, Pascal VOC or OpenImages, see docs/DATA.md"
    )
