"""An image, or a box of a photo, with what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps

from training.data.labelled_photo import EXIF_ORIENTATION

CropSplit = Literal["train", "val", "all"]
"""`all` is both, and the only one of sets that name no split and are too small for one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledCrop:
    """One crop on disk."""

    path: Path
    box_xyxy_px: tuple[float, float, float, float] | None
    """In pixels of the photo, 0 <= x1 < x2 <= width; None is the whole image."""
    product: str | None
    """Which product it shows, in the data set's own words; None where nobody has said."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is said of it, by the kind of label: `{"coarse": ("Apple",)}`. A kind that is missing is unknown."""
    data_set: str
    split: CropSplit
    role: str = ""
    """What it is in its set, in the set's own words, such as `iconic`; empty where all are alike."""
    photo_size_px: tuple[int, int] | None = None
    """Width and height of the photo on which the box was drawn; None with a whole image."""

    def open(self) -> Image.Image:
        """Read the crop's pixels as RGB, upright.

        Raises:
            OSError: the file is missing, cut short or no image.
        """
        with Image.open(self.path) as image:
            # Boxes drawn on the photo as it is stored stay where they were drawn.
            is_as_drawn = self.photo_size_px is not None and image.size == self.photo_size_px
            is_turned = not is_as_drawn and image.getexif().get(EXIF_ORIENTATION, 1) != 1
            upright = ImageOps.exif_transpose(image) if is_turned else image
            if self.box_xyxy_px is None:
                return _on_white(upright)
            x1, y1, x2, y2 = (round(side) for side in self.box_xyxy_px)
            # A box of less than a pixel is still the pixel that it lies in.
            return _on_white(upright.crop((x1, y1, max(x2, x1 + 1), max(y2, y1 + 1))))


def _on_white(image: Image.Image) -> Image.Image:
    """What is transparent, as logos often are, is seen on paper."""
    if image.mode == "RGB":
        return image.copy()
    if not (image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info):
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha).convert("RGB")
