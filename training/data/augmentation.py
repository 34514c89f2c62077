"""Random views of a photo, already on the canvas."""

import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from training.data.letterbox import FILL_RGB, LANDSCAPE_CANVAS_HW, PORTRAIT_CANVAS_HW, is_landscape

MIN_BOX_SIDE_PX = 4.0
"""On the canvas; what is left of an object after a crop is no longer one below this."""


class CanvasAugmentation:
    """Flip, colours and the paper's multi-scale (section 5.2), then crop or pad to the canvas."""

    def __init__(
        self,
        *,
        shorter_side_range_px: tuple[int, int],
        horizontal_flip: bool = True,
        vertical_flip: bool = False,
        half_turn: bool = False,
    ) -> None:
        """Compose the random steps.

        Args:
            shorter_side_range_px: the shorter side is drawn from this range, in steps of 20, both ends included.
            horizontal_flip: mirror every second photo; not for what is told by its writing.
            vertical_flip: stand every second photo on its head, as a mirror would.
            half_turn: turn every second photo by 180 degrees, for what has no up but a left and a right.
        """
        low, high = shorter_side_range_px
        sizes = sorted({*range(low, high, 20), high})
        self.largest_shorter_side_px = high
        self.description = f"shorter side {low} to {high} px, vertical flip {vertical_flip}, version 1"
        self.description += "" if horizontal_flip else ", no horizontal flip"
        self.description += ", half turn" if half_turn else ""
        """What the random views depend on; the version changes with the code below."""
        fill = {tv_tensors.Image: FILL_RGB, "others": 0}
        self._common = v2.Compose(
            [
                v2.RandomPhotometricDistort(p=0.5),
                v2.RandomHorizontalFlip(p=0.5 if horizontal_flip else 0.0),
                v2.RandomVerticalFlip(p=0.5 if vertical_flip else 0.0),
                *([v2.RandomApply([v2.RandomHorizontalFlip(p=1), v2.RandomVerticalFlip(p=1)])] if half_turn else []),
                v2.RandomShortestSize(sizes, max_size=round(high * 667 / 400), antialias=True),
            ]
        )
        self._to_canvas = {
            canvas_hw: v2.RandomCrop(canvas_hw, pad_if_needed=True, fill=fill)
            for canvas_hw in (LANDSCAPE_CANVAS_HW, PORTRAIT_CANVAS_HW)
        }
        self._drop_slivers = v2.SanitizeBoundingBoxes(min_size=MIN_BOX_SIDE_PX, min_area=MIN_BOX_SIDE_PX**2)

    def __call__(
        self, image: Image.Image, boxes: Tensor, class_indices: Tensor, *, on_landscape: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return pixels UINT8 [H, W, 3], boxes FP32 [M, 4] in canvas pixels and class indices INT64 [M].

        Args:
            image: RGB.
            boxes: FP32 [M, 4]: x1, y1, x2, y2 in pixels of the image.
            class_indices: INT64 [M].
            on_landscape: which canvas; None decides by the image.
        """
        if on_landscape is None:
            on_landscape = is_landscape(*image.size)
        canvas_hw = LANDSCAPE_CANVAS_HW if on_landscape else PORTRAIT_CANVAS_HW
        sample = {
            "image": v2.functional.pil_to_tensor(image),
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(image.height, image.width)),
            "labels": class_indices,
        }
        sample["image"] = tv_tensors.Image(sample["image"])
        sample = self._drop_slivers(self._to_canvas[canvas_hw](self._common(sample)))
        pixels = sample["image"].permute(1, 2, 0).contiguous().as_subclass(torch.Tensor)
        return pixels, sample["boxes"].as_subclass(torch.Tensor).float(), sample["labels"]
