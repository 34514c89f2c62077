"""Ground truth of a val split as the relations judge by it."""

from typing import Any

from training.data.coco_photos import CocoPhotos


def val_truth(photos: CocoPhotos, limit: int | None = None) -> dict[str, Any]:
    """Return a split, or its first photos, in COCO's format; crowd regions included.

    Args:
        photos: the split.
        limit: only so many photos.
    """
    truth: dict[str, Any] = photos.ground_truth().dataset
    if limit is None:
        return truth
    image_ids = {photo.image_id for photo in photos.photos[:limit]}
    return {
        **truth,
        "images": [image for image in truth["images"] if image["id"] in image_ids],
        "annotations": [a for a in truth["annotations"] if a["image_id"] in image_ids],
    }
