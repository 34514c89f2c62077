"""A photo with its boxes, whatever the data set's format was."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps
from torch import Tensor

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo on disk with its boxes."""

    path: Path
    image_id: int
    width_px: int
    height_px: int
    boxes: Tensor
    """FP32 [M, 4]: x1, y1, x2, y2 in pixels of the photo, 0 <= x1 < x2 <= width."""
    labels: tuple[str, ...]
    """M labels, in the data set's own words; of merged sets, names of categories."""
    annotated_labels: frozenset[str] | None = None
    """What is annotated in it, so that its absence means something; None is everything that a head could ask."""
    not_exhaustive_labels: frozenset[str] = frozenset()
    """Labels of which there may be further objects without a box of their own: a crowd, a group, an unfinished list."""
    data_set: str = ""
    """Which data set it comes from."""
    is_pseudo: tuple[bool, ...] = ()
    """Of each of the M boxes whether a detector gave it and no person; empty is none of them."""

    def open(self, *, shorter_side_px: int | None = None) -> Image.Image:
        """Read the pixels as RGB, upright if that is how the boxes were drawn.

        Args:
            shorter_side_px: with a JPEG at least twice as large, decode at the smallest half, quarter or eighth whose
                shorter side is not below this: a fraction of the time. The caller scales the boxes by the sizes.

        Raises:
            OSError: the file is missing, cut short or no image.
        """
        with Image.open(self.path) as image:
            is_turned = image.size != (self.width_px, self.height_px) and image.getexif().get(EXIF_ORIENTATION, 1) != 1
            shorter = min(image.size)
            if shorter_side_px is not None and shorter >= 2 * shorter_side_px:
                image.draft("RGB", tuple(side * shorter_side_px // shorter for side in image.size))  # type: ignore[arg-type]
            upright = ImageOps.exif_transpose(image) if is_turned else image
            return upright.convert("RGB")

    def is_known(self, label: str) -> bool:
        """Whether no box of this label means that there is no such object."""
        is_annotated = self.annotated_labels is None or label in self.annotated_labels
        return is_annotated and label not in self.not_exhaustive_labels
