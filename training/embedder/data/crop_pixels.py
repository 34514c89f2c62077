"""A crop as the trunk wants it, with nothing left to chance: for galleries, queries and evaluation."""

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F


def crop_pixels(image: Image.Image, crop_px: int) -> Tensor:
    """Return pixels FP32 [3, crop_px, crop_px], RGB 0..255: the whole crop, stretched to a square.

    Stretched and not padded, because a box is cut out of a photo in the served graph in the same way: a trunk that has
    seen it so in training has lost nothing, and no pixel of its input is wasted.
    """
    pixels = F.pil_to_tensor(image).float()
    resized: Tensor = F.resize(pixels, [crop_px, crop_px], antialias=True)
    return resized.clamp(0.0, 255.0).to(torch.float32)
