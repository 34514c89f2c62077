"""Encoded pictures with something in them to detect, for tests that run without the data folder."""

import io

import numpy as np
from PIL import Image, ImageDraw

SIZES = ((640, 480), (480, 640), (500, 375), (375, 500))
"""Two of each orientation, in turns."""


def painted_jpegs() -> list[bytes]:
    """One JPEG of coloured shapes for each size; the same ones on every run."""
    return [_painted_jpeg(seed, size) for seed, size in enumerate(SIZES)]


def _painted_jpeg(seed: int, size: tuple[int, int]) -> bytes:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(100, 200, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = rng.integers(0, size[0] - 60), rng.integers(0, size[1] - 60)
        w, h = rng.integers(30, 250, 2)
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x, y, x + w, y + h), fill=colour)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
