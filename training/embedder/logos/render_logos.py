"""A set of logo pictures, drawn from a folder of vector files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from training.embedder.logos.brand import draw_brand, fonts
from training.embedder.logos.errors import LogoError
from training.embedder.logos.logo_picture import PLATES, Shows, draw_picture
from training.embedder.logos.vector_file import rasterise

MARK_PX = 256
JPEG_QUALITIES = (55, 95)
WORD_SUFFIX = "-word"
"""The name alone is a product of its own: nobody can tell a logo from its name who has not seen both."""
LOOKS: tuple[Shows, ...] = ("mark", "mark", "mark_and_word")
"""In turn, of a logo's pictures."""


def render_logos(
    *,
    svgs: Path,
    to: Path,
    per_brand: int,
    words: float,
    val_brands: float,
    leave_out: Sequence[str],
    max_brands: int | None,
    seed: int,
    console: Console | None = None,
) -> tuple[int, list[str]]:
    """Draw every brand of a folder; each from its own random numbers, so that one more file changes no other.

    Args:
        svgs: holds `<brand>.svg`.
        to: becomes `{train,val}/<brand>/<number>.jpg`, and `<brand>-word` beside it.
        per_brand: pictures of each.
        words: share of the brands whose name alone is a product too.
        val_brands: share of the brands that are in val alone, so that they are unseen in training.
        leave_out: no brand whose name contains one of these.
        max_brands: only so many, chosen by the hash of their names; None is all.
        seed: of everything that is drawn by chance.
        console: shows progress.

    Returns:
        Number of brands drawn, and what could not be drawn.

    Raises:
        LogoError: no vector file, a number that makes no sense, or `to` is not empty.
    """
    if per_brand < 2:
        raise LogoError(f"per_brand is {per_brand}: at least 2 pictures of a brand are needed to make a pair")
    if not (0.0 <= words <= 1.0 and 0.0 <= val_brands <= 1.0):
        raise LogoError(f"words and val_brands are shares, 0 to 1: got {words} and {val_brands}")
    if not svgs.is_dir():
        raise LogoError(f"no folder {svgs}: --svgs wants one with <brand>.svg files")
    if to.exists() and any(to.iterdir()):
        raise LogoError(f"{to} is not empty: name a new folder, or remove it")
    files = sorted(svgs.glob("*.svg"), key=lambda path: _share(path.stem, "order"))
    files = [path for path in files if not any(name.lower() in path.stem.lower() for name in leave_out)]
    if not files:
        raise LogoError(f"{svgs} has no .svg file that is not left out")
    usable_fonts = fonts()
    unreadable: list[str] = []
    drawn = 0
    for path in track(files[:max_brands], "drawing", console=console, disable=console is None):
        rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(path.stem.encode()).digest()[:8])])
        try:
            mark = rasterise(path, MARK_PX)
        except LogoError as error:
            unreadable.append(str(error))
            continue
        brand = draw_brand(path.stem, mark, rng=rng, fonts=usable_fonts, plates=PLATES)
        folder = to / ("val" if _share(path.stem, "val") < val_brands else "train")
        kinds: list[tuple[str, tuple[Shows, ...]]] = [(path.stem, LOOKS)]
        if _share(path.stem, "word") < words:
            kinds.append((path.stem + WORD_SUFFIX, ("word",)))
        for product, looks in kinds:
            (folder / product).mkdir(parents=True)
            for number in range(per_brand):
                picture = draw_picture(brand, shows=looks[number % len(looks)], rng=rng)
                quality = int(rng.integers(*JPEG_QUALITIES))
                picture.save(folder / product / f"{number:02d}.jpg", quality=quality)
        drawn += 1
    return drawn, unreadable


def _share(name: str, purpose: str) -> float:
    """A number 0..1 that is always the same for a name, whatever other names there are."""
    return int.from_bytes(hashlib.sha256(f"{purpose}/{name}".encode()).digest()[:4]) / 2**32
