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

    def __init__(self, *, shorter_side_range_px: tuple[int, int], vertical_flip: bool = False) -> None:
        low, high = shorter_side_range_px
        self.description = f"shorter side {low} to {high} px, vertical flip {vertical_flip}, version 1"
        """What the random views depend on; the version changes with the code below."""
        fill = {tv_tensors.Image: FILL_RGB, "others": 0}
        self._common = v2.Compose(
            [
                v2.RandomPhotometricDistort(p=0.5),
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(p=0.5 if vertical_flip else 0.0),
                v2.RandomShortestSize(list(range(low, high + 1, 20)), max_size=round(high * 667 / 400), antialias=True),
            ]
        )
        self._to_canvas = {
            canvas_hw: v2.RandomCrop(canvas_hw, pad_if_needed=True, fill=fill)
            for canvas_hw in (LANDSCAPE_CANVAS_HW, PORTRAIT_CANVAS_HW)
        }
        self._drop_slivers = v2.SanitizeBoundingBoxes(min_size=MIN_BOX_SIDE_PX, min_area=MIN_BOX_SIDE_PX**2)

    def __call__(self, image: Image.Image, boxes: Tensor, class_indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return pixels UINT8 [H, W, 3], boxes FP32 [M, 4] in canvas pixels and class indices INT64 [M]."""
        canvas_hw = LANDSCAPE_CANVAS_HW if is_landscape(*image.size) else PORTRAIT_CANVAS_HW
        sample = {
            "image": v2.functional.pil_to_tensor(image),
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(image.height, image.width)),
            "labels": class_indices,
        }
        sample["image"] = tv_tensors.Image(sample["image"])
        sample = self._drop_slivers(self._to_canvas[canvas_hw](self._common(sample)))
        pixels = sample["image"].permute(1, 2, 0).contiguous().as_subclass(torch.Tensor)
        return pixels, sample["boxes"].as_subclass(torch.Tensor).float(), sample["labels"]
