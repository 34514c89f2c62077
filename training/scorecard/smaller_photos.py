"""The same photos seen smaller: a detector that scales every photo to one size meets objects of another scale."""

from pathlib import Path
from typing import Any

from PIL import Image

from training.data.coco_photos import CocoPhotos
from training.data.letterbox import FILL_RGB


def smaller_photos(photos: CocoPhotos, images: Path, *, scale: float) -> dict[str, Any]:
    """Write each photo at the top left of a larger sheet, so that letterboxing shrinks it to `scale` of its usual size.

    The sheet has the colour of the letterbox itself; boxes stay where they are.

    Args:
        photos: the photos.
        images: an empty folder for the files.
        scale: in (0, 1].

    Returns:
        Images and annotations in COCO's format, crowd regions included.
    """
    truth = photos.ground_truth().dataset
    records = {image["id"]: image for image in truth["images"]}
    made = []
    for photo in photos.photos:
        size = round(photo.width_px / scale), round(photo.height_px / scale)
        sheet = Image.new("RGB", size, FILL_RGB)
        sheet.paste(photo.open(), (0, 0))
        name = f"{photo.path.stem}.jpg"
        sheet.save(images / name, quality=95)
        made.append({**records[photo.image_id], "file_name": name, "width": size[0], "height": size[1]})
    return {"images": made, "annotations": truth["annotations"]}
