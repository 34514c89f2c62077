"""The boxes of a detection set as crops."""

from pathlib import Path

from training.data.coco_photos import CocoPhotos
from training.data.problems import DataProblem
from training.embedder.data.labelled_crop import CropSplit, LabelledCrop
from training.taxonomy import TaxonomyError, load_mapping_of, load_taxonomy


def read_coco_crops(folder: Path, split: CropSplit) -> tuple[list[LabelledCrop], list[DataProblem]]:
    """Read the boxes of a split, and what is broken in its annotations.

    Each has the label of its box, of the kind `label`; and of the kind `category` what that means in the taxonomy,
    where a mapping of the set says it. Nobody has said which product it is. Crowds and groups are left out.

    Raises:
        ReaderError: the folder holds no annotations that we read.
    """
    crops: list[LabelledCrop] = []
    problems: list[DataProblem] = []
    category_of_label = _categories(folder.name)
    for own_split in ("train", "val"):
        if split not in ("all", own_split):
            continue
        photos = CocoPhotos(folder, "train" if own_split == "train" else "val")
        problems += photos.problems
        for photo in photos.photos:
            for label, (x1, y1, x2, y2) in zip(photo.labels, photo.boxes.tolist(), strict=True):
                labels = {"label": (label,)}
                if label in category_of_label:
                    labels["category"] = (category_of_label[label],)
                crops.append(
                    LabelledCrop(
                        path=photo.path,
                        box_xyxy_px=(x1, y1, x2, y2),
                        product=None,
                        labels=labels,
                        data_set=folder.name,
                        split="train" if own_split == "train" else "val",
                        photo_size_px=(photo.width_px, photo.height_px),
                    )
                )
    return crops, problems


def _categories(data_set: str) -> dict[str, str]:
    """The taxonomy's name of each label; empty where nobody has said what the set's labels mean."""
    taxonomy = load_taxonomy()
    try:
        ids = load_mapping_of(data_set, taxonomy).category_id_by_label
    except TaxonomyError:
        return {}
    return {label: taxonomy.name_of(category_id) for label, category_id in ids.items()}
