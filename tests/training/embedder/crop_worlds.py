"""Sets of painted crops that need no data folder."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = ("red", "green", "blue", "orange", "purple", "cyan", "black", "yellow")


def paint_products(folder: Path, *, products: int = 4, images: int = 3, split: str = "") -> Path:
    """Write so many images of each product as `[split/]<label>/<image>`: a disc of its colour on noise."""
    rng = np.random.default_rng(len(folder.name) + products)
    for label in COLOURS[:products]:
        of_label = folder / split / label
        of_label.mkdir(parents=True)
        for k in range(images):
            image = Image.fromarray(rng.integers(100, 160, (40, 48, 3), dtype=np.uint8))
            x, y = (int(v) for v in rng.integers(2, 16, 2))
            ImageDraw.Draw(image).ellipse((x, y, x + 20, y + 20), fill=label)
            image.save(of_label / f"{k}.png")
    return folder
