"""Random views of a crop, as a square."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from training.data.errors import SetOptionsError
from training.data.letterbox import FILL_RGB


@dataclass(frozen=True, kw_only=True, slots=True)
class CropAugmentation:
    """What may happen to a crop before it is learnt from; all of it is drawn from torch's generator."""

    crop_scale_range: tuple[float, float] = (0.5, 1.0)
    """Part of the crop's area that is shown (random resized crop)."""
    crop_ratio_range: tuple[float, float] = (0.75, 4 / 3)
    """Of that part, width by height, once the crop is stretched to a square, as it is where it is served."""
    horizontal_flip: bool = True
    """Also show crops mirrored; not what is told by its writing."""
    vertical_flip: bool = False
    """Also show crops upside down; for things seen from above, which have no up."""
    rotation_deg: float = 0.0
    """Turned by up to so much to either side."""
    colour: float = 0.3
    """Brightness, contrast and saturation are multiplied by 1 - this to 1 + this."""
    hue: float = 0.02
    """The hue is turned by up to this part of the circle to either side."""
    grey_share: float = 0.0
    """Part of the views that is shown without colours."""
    blur_share: float = 0.1
    """Part of the views that is blurred, with a sigma of up to 2 pixels."""
    erasing_share: float = 0.1
    """Part of the views of which a rectangle, up to a fifth of the area, is painted over (random erasing)."""

    def __post_init__(self) -> None:
        for name in ("crop_scale_range", "crop_ratio_range"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high or (name == "crop_scale_range" and high > 1.0):
                raise SetOptionsError(
                    f"augmentation: {name} must be [low, high] with 0 < low <= high"
                    f"{' <= 1' if name == 'crop_scale_range' else ''}, got [{low}, {high}]"
                )
        for name, highest in {
            "colour": 1.0,
            "hue": 0.5,
            "grey_share": 1.0,
            "blur_share": 1.0,
            "erasing_share": 1.0,
        }.items():
            if not 0.0 <= getattr(self, name) <= highest:
                raise SetOptionsError(f"augmentation: {name} must be in [0, {highest:g}], got {getattr(self, name)}")
        if not 0.0 <= self.rotation_deg <= 180.0:
            raise SetOptionsError(f"augmentation: rotation_deg must be in [0, 180], got {self.rotation_deg}")

    def with_changes(self, values: Mapping[str, Any] | None) -> "CropAugmentation":
        """Return this with what a recipe says instead.

        Raises:
            SetOptionsError: an unknown name, or a value out of range.
        """
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        if not isinstance(values or {}, Mapping):
            raise SetOptionsError(f"augmentation must be a mapping of names to values, got {values!r}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in (values or {}).items()
        }
        if unknown := sorted(set(given) - set(known)):
            raise SetOptionsError(f"augmentation: unknown {', '.join(unknown)}; known are {', '.join(known)}")
        for name, value in given.items():
            if not _fits(value, known[name]):
                wanted = {bool: "true or false", tuple: "two numbers"}.get(type(known[name]), "a number")
                raise SetOptionsError(f"augmentation: {name} must be {wanted}, got {value!r}")
        return replace(self, **given)

    def __call__(self, image: Image.Image, crop_px: int) -> Tensor:
        """Return a random view, UINT8 [3, crop_px, crop_px]."""
        top, left, height, width = self._region(image.height, image.width)
        pixels: Tensor = F.pil_to_tensor(image)
        pixels = F.resized_crop(pixels, top, left, height, width, [crop_px, crop_px], antialias=True)
        if self.horizontal_flip and _happens(0.5):
            pixels = F.horizontal_flip(pixels)
        if self.vertical_flip and _happens(0.5):
            pixels = F.vertical_flip(pixels)
        if self.rotation_deg:
            angle = _uniform(-self.rotation_deg, self.rotation_deg)
            pixels = F.rotate(pixels, angle, interpolation=v2.InterpolationMode.BILINEAR, fill=list(FILL_RGB))
        return self._paint_over(self._blurred(self._coloured(pixels)))

    def _region(self, height_px: int, width_px: int) -> tuple[int, int, int, int]:
        """Draw the part that is shown: top, left, height, width."""
        area = _uniform(*self.crop_scale_range)
        ratio = math.exp(_uniform(*(math.log(bound) for bound in self.crop_ratio_range)))
        height = max(1, round(height_px * min(1.0, math.sqrt(area / ratio))))
        width = max(1, round(width_px * min(1.0, math.sqrt(area * ratio))))
        return round(_uniform(0, height_px - height)), round(_uniform(0, width_px - width)), height, width

    def _coloured(self, pixels: Tensor) -> Tensor:
        if self.colour or self.hue:
            jitter = v2.ColorJitter(self.colour, self.colour, self.colour, self.hue)
            pixels = jitter(pixels)
        return F.rgb_to_grayscale(pixels, num_output_channels=3) if _happens(self.grey_share) else pixels

    def _blurred(self, pixels: Tensor) -> Tensor:
        if not _happens(self.blur_share):
            return pixels
        sigma = _uniform(0.1, 2.0)
        blurred: Tensor = F.gaussian_blur(pixels, [2 * math.ceil(2 * sigma) + 1] * 2, [sigma, sigma])
        return blurred

    def _paint_over(self, pixels: Tensor) -> Tensor:
        if not _happens(self.erasing_share):
            return pixels
        erasing = v2.RandomErasing(p=1.0, scale=(0.02, 0.2), value="random")
        noise: Tensor = erasing(pixels.float() / 255.0)
        # "random" is normal around 0: what it paints is spread over the colours here.
        return (noise * 255.0).clamp(0.0, 255.0).to(torch.uint8)


def _fits(value: object, default: object) -> bool:
    def is_number(v: object) -> bool:
        return isinstance(v, int | float) and not isinstance(v, bool)

    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and len(value) == 2 and all(map(is_number, value))
    return is_number(value)


def _happens(share: float) -> bool:
    return share > 0.0 and float(torch.rand(())) < share


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
