"""The same picture under worse conditions: for logos, which are printed in any colour and photographed askew."""

import io
import zlib
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image, ImageOps

from training.embedder.data import LabelledCrop

SIDE_PX = 64
"""Of the longer side: a logo on a product in a photo is not larger."""
LARGEST_SHIFT = 0.25
"""Of a corner, outwards, as a share of the side: seen from some 30 degrees aside, and never cut off."""
JPEG_QUALITY = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class DisturbedCrop(LabelledCrop):
    """A crop in other colours, seen askew, small, and compressed; the same one always in the same way."""

    seed: int

    def open(self) -> Image.Image:
        """Read the crop, disturbed."""
        generator = np.random.default_rng(self.seed)
        image = LabelledCrop.open(self)  # not super(), which a class with slots has lost
        if generator.random() < 0.5:
            image = ImageOps.invert(image)
        image = Image.merge("RGB", [image.getchannel(int(k)) for k in generator.permutation(3)])
        image.thumbnail((4 * SIDE_PX, 4 * SIDE_PX))
        width, height = image.size
        # Which places of the picture come to the corners: top left, bottom left, bottom right, top right.
        corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * (width, height)
        outwards = np.sign(corners - np.array([width, height]) / 2) * (width, height)
        quad = tuple((corners + outwards * generator.uniform(0, LARGEST_SHIFT, (4, 2))).ravel().tolist())
        edge = tuple(int(value) for value in np.median(np.asarray(image)[[0, -1]].reshape(-1, 3), axis=0))
        image = image.transform((width, height), Image.Transform.QUAD, quad, fillcolor=edge)
        image.thumbnail((SIDE_PX, SIDE_PX))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=JPEG_QUALITY)
        return Image.open(file).convert("RGB")


def disturbed(crop: LabelledCrop) -> DisturbedCrop:
    """Return a crop as it looks under worse conditions, which depend on its file's name alone."""
    values = {field.name: getattr(crop, field.name) for field in fields(LabelledCrop)}
    return DisturbedCrop(**values, seed=zlib.crc32(crop.path.name.encode()))
