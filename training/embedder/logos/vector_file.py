"""A logo's vector file as pixels."""

import io
from pathlib import Path

from PIL import Image

from training.embedder.logos.errors import LogoError


def rasterise(path: Path, longer_side_px: int) -> Image.Image:
    """Draw an SVG file on a transparent ground, cropped to what is drawn.

    Returns:
        RGBA image, its longer side `longer_side_px`.

    Raises:
        LogoError: it is no SVG file, nothing in it is visible, or resvg-py is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise LogoError('drawing SVG files needs resvg-py: pip install "genod[train]"') from error
    try:
        png = bytes(resvg_py.svg_to_bytes(svg_path=str(path), width=longer_side_px, skip_system_fonts=True))
    except ValueError as error:
        raise LogoError(f"{path} is no SVG file that can be drawn: {error}") from error
    with Image.open(io.BytesIO(png)) as image:
        drawn = image.convert("RGBA")
    visible = drawn.getchannel("A").getbbox()
    if visible is None:
        raise LogoError(f"{path} draws nothing")
    cropped = drawn.crop(visible)
    scale = longer_side_px / max(cropped.size)
    size = (max(1, round(cropped.width * scale)), max(1, round(cropped.height * scale)))
    return cropped.resize(size, Image.Resampling.BICUBIC)
