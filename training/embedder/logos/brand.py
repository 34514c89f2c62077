"""What stays the same in all pictures of one brand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageFont

Colour = tuple[int, int, int]

FONTS_WITHOUT_LETTERS = ("cmex", "cmsy", "cmmi", "STIXSiz", "STIXNonUni", "LastResort")
"""Of the fonts that come with matplotlib, those of signs alone; words in them would be boxes."""
LONGEST_WORD = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Brand:
    """A logo and its house style."""

    word: str
    """The name as it is written beside the logo."""
    mark: Image.Image
    """RGBA; only its alpha counts where it is of one colour."""
    colours: tuple[Colour, Colour, Colour]
    """The house colours, the first the most used."""
    has_own_colours: bool
    """Whether the vector file itself has several colours."""
    font: Path
    plate: str
    """One of `logo_picture.PLATES`, on which it often stands."""


def fonts() -> list[Path]:
    """Return the fonts with letters among those of the system and of matplotlib, in a stable order."""
    known = {Path(entry.fname).name: Path(entry.fname) for entry in font_manager.fontManager.ttflist}
    usable = (known[name] for name in sorted(known) if not name.startswith(FONTS_WITHOUT_LETTERS))
    return [path for path in usable if path.suffix.lower() in {".ttf", ".otf"} and _has_letters(path)]


def draw_brand(
    name: str, mark: Image.Image, *, rng: np.random.Generator, fonts: list[Path], plates: tuple[str, ...]
) -> Brand:
    """Make up a house style for a logo: the colours of its file, and others, a font and a plate by chance."""
    pixels = np.asarray(mark)
    opaque = pixels[pixels[..., 3] > 200][:, :3].astype(np.float32)
    has_own_colours = len(opaque) > 0 and bool(opaque.std(axis=0).max() > 20)
    main = opaque.mean(axis=0) if len(opaque) else np.zeros(3)
    is_black = bool(main.max() < 40)
    first = vivid_colour(rng) if is_black else (int(main[0]), int(main[1]), int(main[2]))
    return Brand(
        word=name[:LONGEST_WORD],
        mark=mark,
        colours=(first, vivid_colour(rng), vivid_colour(rng)),
        has_own_colours=has_own_colours,
        font=fonts[int(rng.integers(len(fonts)))],
        plate=plates[int(rng.integers(len(plates)))],
    )


def vivid_colour(rng: np.random.Generator) -> Colour:
    """Return a colour of any hue, seldom pale."""
    hue, saturation, value = rng.random(), rng.uniform(0.35, 1.0), rng.uniform(0.3, 1.0)
    channels = [value * (1 - saturation * max(0.0, min(1.0, abs((hue * 6 + n) % 6 - 3) - 1))) for n in (0, 4, 2)]
    red, green, blue = (round(255 * channel) for channel in channels)
    return red, green, blue


def _has_letters(path: Path) -> bool:
    try:
        font = ImageFont.truetype(str(path), 24)
        return font.getmask("a").getbbox() is not None and bytes(font.getmask("a")) != bytes(font.getmask("g"))
    except OSError:
        return False
