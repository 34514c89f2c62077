"""One picture of a brand: logo, word or both, on a plate and a ground, seen by some camera."""

from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from training.embedder.logos import paint
from training.embedder.logos.brand import Brand, Colour, vivid_colour
from training.embedder.logos.paint import Coverage, Pixels

PLATES = ("none", "circle", "square", "ellipse")
CANVAS_SHORTER_PX = 192
CANVAS_LONGER_PX = 320
WHITE, BLACK = (255, 255, 255), (12, 12, 12)

Shows = Literal["mark", "word", "mark_and_word"]


def draw_picture(brand: Brand, *, shows: Shows, rng: np.random.Generator) -> Image.Image:
    """Draw a brand once.

    Args:
        brand: whose logo it is.
        shows: the logo, the name alone, or both.
        rng: decides everything else.

    Returns:
        RGB image of 192 to 320 pixels per side.
    """
    size_hw = _canvas(rng, is_wide=shows != "mark")
    inked, inside, own = _layout(brand, shows, size_hw, rng)
    ground = _ground(brand, size_hw, rng)
    picture = ground
    plate = brand.plate if rng.random() < 0.5 else PLATES[int(rng.integers(len(PLATES)))]
    under = _mean_colour(ground)
    if plate != "none":
        covered, border = _plate(plate, inked, rng)
        face = _plate_face(brand, size_hw, rng)
        if rng.random() < 0.3:
            picture = _shadow(picture, covered, rng)
        if rng.random() < 0.4:
            rim = vivid_colour(rng) if rng.random() < 0.5 else brand.colours[1]
            picture = _over(picture, paint.flat(rim, size_hw), border)
        picture = _over(picture, face, covered)
        under = _mean_colour(face)
    ink = _ink(brand, inked, own, under, rng)
    if rng.random() < 0.2:
        picture = _over(picture, paint.flat(_seen_on(_mean_colour(ink), rng), size_hw), inside)
    if rng.random() < 0.25:
        picture = _shadow(picture, inked, rng)
    if rng.random() < 0.15:
        outline = ndimage.grey_dilation(inked, size=(3, 3)) if rng.random() < 0.5 else ndimage.maximum_filter(inked, 7)
        picture = _over(picture, paint.flat(_seen_on(_mean_colour(ink), rng), size_hw), outline)
    if rng.random() < 0.3:
        ink = paint.emboss(ink, inked, depth_px=rng.uniform(1, 4), strength=rng.uniform(0.1, 0.45))
    picture = _over(picture, ink, inked)
    if rng.random() < 0.2:
        picture = paint.gloss(picture, rng)
    return _seen_by_camera(picture, rng)


def _canvas(rng: np.random.Generator, *, is_wide: bool) -> tuple[int, int]:
    ratio = np.exp(rng.uniform(0.0, 0.8) if is_wide else rng.uniform(-0.15, 0.5))
    if rng.random() < 0.4:
        ratio = 1.0
    longer = min(CANVAS_LONGER_PX, CANVAS_SHORTER_PX * max(ratio, 1 / ratio))
    shorter = longer / max(ratio, 1 / ratio)
    height, width = (shorter, longer) if ratio >= 1 else (longer, shorter)
    return round(height), round(width)


def _layout(
    brand: Brand, shows: Shows, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[Coverage, Coverage, Pixels]:
    """Place logo and word; return what is inked, that with its holes covered, and the file's own colours."""
    height, width = size_hw
    is_beside = shows == "mark_and_word" and rng.random() < min(0.9, width / height - 0.7)
    area = rng.uniform(0.3, 0.97) if rng.random() < 0.75 else rng.uniform(0.85, 1.05)
    free_h, free_w = height * area, width * area
    canvas = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    shift_y = int(rng.uniform(-1, 1) * (height - free_h) * 0.35)
    shift_x = int(rng.uniform(-1, 1) * (width - free_w) * 0.35)
    if shows == "mark":
        _paste(canvas, brand.mark, height / 2 + shift_y, width / 2 + shift_x, free_h, free_w)
    elif shows == "word":
        _paste(canvas, _word(brand, rng), height / 2 + shift_y, width / 2 + shift_x, free_h, free_w)
    elif is_beside:
        left = rng.uniform(0.28, 0.5)
        start = (width - free_w) / 2 + shift_x
        _paste(canvas, brand.mark, height / 2 + shift_y, start + free_w * left / 2, free_h, free_w * left * 0.92)
        middle = start + free_w * (left + (1 - left) / 2)
        _paste(canvas, _word(brand, rng), height / 2 + shift_y, middle, free_h * 0.6, free_w * (1 - left))
    else:
        upper = rng.uniform(0.55, 0.8)
        start = (height - free_h) / 2 + shift_y
        is_word_below = rng.random() < 0.85
        mark_middle = upper / 2 if is_word_below else 1 - upper / 2
        word_middle = (1 + upper) / 2 if is_word_below else (1 - upper) / 2
        across = width / 2 + shift_x
        _paste(canvas, brand.mark, start + free_h * mark_middle, across, free_h * upper * 0.92, free_w)
        _paste(canvas, _word(brand, rng), start + free_h * word_middle, across, free_h * (1 - upper) * 0.9, free_w)
    pixels = np.asarray(canvas).astype(np.float32)
    inked = pixels[..., 3] / 255
    return inked, paint.holes_filled(inked), pixels[..., :3]


def _paste(canvas: Image.Image, part: Image.Image, y: float, x: float, height: float, width: float) -> None:
    scale = min(height / part.height, width / part.width)
    size = (max(2, round(part.width * scale)), max(2, round(part.height * scale)))
    small = part.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    layer.paste(small, (round(x - size[0] / 2), round(y - size[1] / 2)))
    canvas.alpha_composite(layer)


def _word(brand: Brand, rng: np.random.Generator) -> Image.Image:
    font = ImageFont.truetype(str(brand.font), 64)
    left, top, right, bottom = font.getbbox(brand.word)
    image = Image.new("RGBA", (max(1, int(right - left)) + 4, max(1, int(bottom - top)) + 4), (0, 0, 0, 0))
    colour = brand.colours[0] if brand.has_own_colours and rng.random() < 0.5 else BLACK
    ImageDraw.Draw(image).text((2 - left, 2 - top), brand.word, font=font, fill=(*colour, 255))
    return image


def _ground(brand: Brand, size_hw: tuple[int, int], rng: np.random.Generator) -> Pixels:
    kind = rng.random()
    if kind < 0.36:
        return paint.flat(WHITE, size_hw)
    if kind < 0.46:
        return paint.flat(BLACK, size_hw)
    if kind < 0.56:
        grey = int(rng.integers(30, 250))
        return paint.flat((grey, grey, grey), size_hw)
    if kind < 0.68:
        return paint.flat(brand.colours[0] if rng.random() < 0.5 else vivid_colour(rng), size_hw)
    if kind < 0.9:
        return paint.gradient(_any_colour(brand, rng), _any_colour(brand, rng), size_hw, rng)
    return paint.grain(size_hw, rng)


def _any_colour(brand: Brand, rng: np.random.Generator) -> Colour:
    kind = rng.random()
    if kind < 0.3:
        return brand.colours[int(rng.integers(3))]
    if kind < 0.5:
        return vivid_colour(rng)
    grey = int(rng.integers(0, 256))
    return grey, grey, grey


def _plate(shape: str, inked: Coverage, rng: np.random.Generator) -> tuple[Coverage, Coverage]:
    """Return what the plate covers, and that with a rim around it."""
    rows, columns = np.nonzero(inked > 0.3)
    height, width = inked.shape
    if len(rows) == 0:
        return np.zeros_like(inked), np.zeros_like(inked)
    y, x = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
    half_h, half_w = (np.ptp(rows) + 2) / 2, (np.ptp(columns) + 2) / 2
    margin = rng.uniform(1.12, 1.6)
    half_h, half_w = half_h * margin, half_w * margin
    if shape in ("circle", "square") and rng.random() < 0.8:
        half_h = half_w = max(half_h, half_w)
    if shape in ("circle", "ellipse"):
        half_h, half_w = half_h * 1.12, half_w * 1.12
    rim = rng.uniform(2, 8)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    if shape == "square":
        corner = min(half_h, half_w) * rng.uniform(0, 0.45)
        far = np.hypot(np.maximum(np.abs(ys - y) - half_h + corner, 0), np.maximum(np.abs(xs - x) - half_w + corner, 0))
        outside_px = far - corner
    else:
        outside_px = (np.hypot((ys - y) / half_h, (xs - x) / half_w) - 1) * min(half_h, half_w)
    covered = np.clip(0.5 - outside_px, 0, 1).astype(np.float32)
    return covered, np.clip(0.5 - outside_px + rim, 0, 1).astype(np.float32)


def _plate_face(brand: Brand, size_hw: tuple[int, int], rng: np.random.Generator) -> Pixels:
    kind = rng.random()
    if kind < 0.45:
        return paint.flat(brand.colours[0], size_hw)
    if kind < 0.6:
        return paint.flat(BLACK if rng.random() < 0.5 else WHITE, size_hw)
    if kind < 0.75:
        return paint.flat(_any_colour(brand, rng), size_hw)
    if kind < 0.92:
        return paint.gradient(brand.colours[0], _any_colour(brand, rng), size_hw, rng)
    return paint.metal(size_hw, rng)


def _ink(brand: Brand, inked: Coverage, own: Pixels, under: Colour, rng: np.random.Generator) -> Pixels:
    """Colour the logo so that it is seen on what is under it."""
    size_hw = (inked.shape[0], inked.shape[1])
    kind = rng.random()
    if brand.has_own_colours and kind < 0.6:
        return own
    if kind < 0.4:
        ink = paint.flat(brand.colours[0], size_hw)
    elif kind < 0.55:
        ink = paint.by_part(inked, brand.colours if rng.random() < 0.7 else (vivid_colour(rng), vivid_colour(rng)))
    elif kind < 0.7:
        ink = paint.gradient(brand.colours[0], _any_colour(brand, rng), size_hw, rng)
    elif kind < 0.78:
        ink = paint.metal(size_hw, rng)
    else:
        ink = paint.flat(_seen_on(under, rng), size_hw)
    visible = ink[inked > 0.5] if bool((inked > 0.5).any()) else ink.reshape(-1, 3)
    if np.abs(visible - np.array(under, np.float32)).sum(axis=1).mean() < 110:
        return paint.flat(_seen_on(under, rng), size_hw)
    return ink


def _seen_on(under: Colour, rng: np.random.Generator) -> Colour:
    """Return a colour that differs enough from the one under it; often black or white."""
    if rng.random() < 0.6:
        return WHITE if sum(under) < 384 else BLACK
    for _ in range(8):
        colour = vivid_colour(rng)
        if sum(abs(a - b) for a, b in zip(colour, under, strict=True)) > 180:
            return colour
    return WHITE if sum(under) < 384 else BLACK


def _mean_colour(pixels: Pixels) -> Colour:
    red, green, blue = (int(channel) for channel in pixels.reshape(-1, 3).mean(axis=0))
    return red, green, blue


def _over(below: Pixels, above: Pixels, coverage: Coverage) -> Pixels:
    return below + (above - below) * coverage[..., None]


def _shadow(below: Pixels, coverage: Coverage, rng: np.random.Generator) -> Pixels:
    shift = rng.uniform(1, 6)
    dark = ndimage.shift(coverage, (shift, shift * rng.uniform(-1, 1)), order=1)
    shaded: Pixels = below * (1 - rng.uniform(0.3, 0.7) * ndimage.gaussian_filter(dark, rng.uniform(1, 5))[..., None])
    return shaded


def _seen_by_camera(picture: Pixels, rng: np.random.Generator) -> Image.Image:
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        image = _in_perspective(image, rng)
    if rng.random() < 0.3:
        noisy = np.asarray(image).astype(np.float32) + rng.normal(0, rng.uniform(2, 12), (image.height, image.width, 1))
        image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        few = rng.uniform(0.3, 0.8)
        size = (max(8, round(image.width * few)), max(8, round(image.height * few)))
        image = image.resize(size, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)
    return image


def _in_perspective(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Look at it from the side: its corners are taken from a little outside or inside the picture."""
    width, height = image.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = corners + rng.uniform(-0.16, 0.16, (4, 2)) * (width, height)
    rows = []
    for (x, y), (u, v) in zip(corners, seen, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    coefficients = np.linalg.solve(np.array(rows), seen.reshape(-1))
    pixels = np.asarray(image)
    edge = np.concatenate([pixels[0], pixels[-1]]).mean(axis=0)
    fill = tuple(int(channel) for channel in edge)
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, coefficients.tolist(), Image.Resampling.BILINEAR, fillcolor=fill
    )
