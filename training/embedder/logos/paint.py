"""How the area of a logo, of its plate and of the ground behind is filled."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.embedder.logos.brand import Colour

Pixels = NDArray[np.float32]
"""[H, W, 3] RGB 0..255."""
Coverage = NDArray[np.float32]
"""[H, W] 0..1, how much of a pixel is covered."""


def flat(colour: Colour, size_hw: tuple[int, int]) -> Pixels:
    """One colour everywhere."""
    return np.broadcast_to(np.array(colour, np.float32), (*size_hw, 3)).copy()


def gradient(first: Colour, last: Colour, size_hw: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """From one colour to another, along a line or outwards from a point."""
    rows, columns = np.mgrid[0 : size_hw[0], 0 : size_hw[1]].astype(np.float32)
    y, x = rows / size_hw[0] - rng.uniform(0.2, 0.8), columns / size_hw[1] - rng.uniform(0.2, 0.8)
    if rng.random() < 0.5:
        along = np.sqrt(x * x + y * y) * 1.4
    else:
        angle = rng.uniform(0, 2 * np.pi)
        along = x * np.cos(angle) + y * np.sin(angle) + 0.5
    share = np.clip(along, 0, 1)[..., None]
    mixed: Pixels = (np.array(first, np.float32) * (1 - share) + np.array(last, np.float32) * share).astype(np.float32)
    return mixed


def metal(size_hw: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Bands of light and dark grey, a little tinted, as on polished metal."""
    along = np.linspace(0, rng.uniform(2, 7), size_hw[0], dtype=np.float32)[:, None]
    across = np.linspace(0, rng.uniform(-2, 2), size_hw[1], dtype=np.float32)[None]
    grey = rng.uniform(130, 190) + rng.uniform(30, 65) * np.sin(along + across + rng.uniform(0, 6))
    tint = rng.uniform(0.92, 1.08, 3).astype(np.float32)
    metallic: Pixels = np.clip(grey[..., None] * tint, 0, 255).astype(np.float32)
    return metallic


def grain(size_hw: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Blurred noise in two colours, stretched: wood, cloth, foliage out of focus."""
    noise = rng.normal(size=size_hw).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, (rng.uniform(0.5, 14), rng.uniform(0.5, 14)))
    share = np.clip(smooth / (3 * smooth.std() + 1e-6) + 0.5, 0, 1)[..., None]
    first, last = rng.uniform(20, 235, 3), rng.uniform(20, 235, 3)
    mixed: Pixels = (first * (1 - share) + last * share).astype(np.float32)
    return mixed


def by_part(coverage: Coverage, colours: tuple[Colour, ...]) -> Pixels:
    """Give each connected part a colour in turn, from the largest on."""
    parts, count = ndimage.label(coverage > 0.5)
    areas = ndimage.sum_labels(np.ones_like(coverage), parts, index=np.arange(1, count + 1))
    order = np.argsort(-np.asarray(areas), kind="stable")
    colour_of_part = np.zeros((count + 1, 3), np.float32)
    colour_of_part[0] = colours[0]
    for place, part in enumerate(order):
        colour_of_part[part + 1] = colours[place % len(colours)]
    # Soft edges belong to no part: they take the colour of the nearest.
    nearest = ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    painted: Pixels = colour_of_part[parts[tuple(nearest)]]
    return painted


def holes_filled(coverage: Coverage) -> Coverage:
    """Cover the inside of a logo too: what is behind its lines."""
    return np.maximum(coverage, ndimage.binary_fill_holes(coverage > 0.5).astype(np.float32))


def emboss(pixels: Pixels, coverage: Coverage, *, depth_px: float, strength: float) -> Pixels:
    """Light the edges from the upper left, as if the area stood out."""
    height = ndimage.gaussian_filter(coverage, depth_px)
    light = ndimage.sobel(height, axis=0) + ndimage.sobel(height, axis=1)
    lit = light / (np.abs(light).max() + 1e-6)
    embossed: Pixels = np.clip(pixels + strength * 255 * lit[..., None], 0, 255).astype(np.float32)
    return embossed


def gloss(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Lighten the upper part, with a curved border, as buttons have it."""
    height, width = pixels.shape[:2]
    border = height * rng.uniform(0.35, 0.6) + height * rng.uniform(-0.15, 0.15) * np.sin(
        np.linspace(0, np.pi, width, dtype=np.float32)
    )
    upper = (np.arange(height, dtype=np.float32)[:, None] < border[None]).astype(np.float32)[..., None]
    return (pixels + (255 - pixels) * upper * rng.uniform(0.1, 0.35)).astype(np.float32)
