"""Sets whose `labels.json` lists every file with what it shows: grocery_store, clothing_small, brand_logos.

    [{"file": "train/0001.jpg", "role": "train", "fine": "Granny-Smith", "coarse": "Apple", "top": "Fruit"}, ...]

Every row has its file, a label of at least one kind, and a role where the set has splits.
"""

from pathlib import Path
from typing import Any

from training.data.errors import ReaderError
from training.data.readers.split_annotations import read_json
from training.embedder.data.labelled_crop import CropSplit, LabelledCrop

FILE = "labels.json"
KIND_OF_FIELD = {"fine": "fine", "coarse": "coarse", "top": "top", "brand": "brand", "label": "type"}
"""Which fields of a row are labels, and of which kind."""
PRODUCT_FIELDS = ("fine", "brand")
"""Two images that agree in one of them show the same product; a mere type of clothing is none."""
SPLIT_OF_ROLE: dict[str, CropSplit] = {"train": "train", "iconic": "train", "test": "val", "val": "val"}


def read_labels_json(folder: Path, split: CropSplit) -> list[LabelledCrop]:
    """Read a split: `train` holds the roles train and iconic, `val` the role test.

    Rows without a role, as those of brand_logos, belong to `val`: they are there to be recognised unseen.

    Raises:
        ReaderError: `labels.json` is no list of rows with `file` and a label.
    """
    path = folder / FILE
    rows = read_json(path)
    if not isinstance(rows, list):
        raise ReaderError(f'{path} must be a list of {{"file": ..., {_fields()}}}, got {type(rows).__name__}')
    crops = []
    for position, row in enumerate(rows):
        labels = _labels(path, position, row)
        role = str(row.get("role") or "")
        own_split = SPLIT_OF_ROLE.get(role or "val")
        if own_split is None:
            raise ReaderError(
                f"{path}: role of row {position} must be one of {', '.join(SPLIT_OF_ROLE)}, or none; got {role!r}"
            )
        if split in ("all", own_split):
            product = next((row[name] for name in PRODUCT_FIELDS if name in row), None)
            crops.append(
                LabelledCrop(
                    path=folder / row["file"],
                    box_xyxy_px=None,
                    product=product,
                    labels=labels,
                    data_set=folder.name,
                    split=own_split,
                    role=role,
                )
            )
    return crops


def _labels(path: Path, position: int, row: Any) -> dict[str, tuple[str, ...]]:
    labels: dict[str, tuple[str, ...]] = {}
    if isinstance(row, dict) and isinstance(row.get("file"), str):
        labels = {kind: (row[name],) for name, kind in KIND_OF_FIELD.items() if isinstance(row.get(name), str)}
    if not labels:
        raise ReaderError(f"{path}: row {position} must hold `file` and one of {_fields()}, got {row!r:.200}")
    return labels


def _fields() -> str:
    return ", ".join(f'"{name}"' for name in KIND_OF_FIELD)
