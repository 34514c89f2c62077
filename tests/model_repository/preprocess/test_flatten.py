"""Kinds of pixel, each through a whole encoded file."""

import struct

import numpy as np
import pytest
from PIL import Image

from tests.model_repository.preprocess.sample_images import encode, four_colours, png, png_chunk, smooth
from tests.model_repository.preprocess.siblings import decode, image_limits, image_refused

# Extremes, and what rounding or clipping would get wrong.
SIXTEEN_BIT_LEVELS = [0, 1, 255, 256, 257, 32_767, 32_768, 65_279, 65_280, 65_535]


def decoded_pixels(data: bytes) -> np.ndarray:
    image = decode.read_header(data, image_limits.ImageLimits()).decode().image
    assert image.mode in ("RGB", "L")
    return np.asarray(image.convert("RGB")).astype(int)


def sixteen_bit_png(samples_per_pixel: int, colour_type: int, levels: list[int], extra: bytes = b"") -> bytes:
    samples = [level for level in levels for _ in range(samples_per_pixel)]
    row = b"\0" + struct.pack(f">{len(samples)}H", *samples)
    return png(len(levels), 1, bits=16, colour_type=colour_type, rows=row, extra=extra)


def test_sixteen_bit_gray_and_rgb_are_scaled_alike_and_not_clipped():
    gray = decoded_pixels(sixteen_bit_png(1, 0, SIXTEEN_BIT_LEVELS))
    rgb = decoded_pixels(sixteen_bit_png(3, 2, SIXTEEN_BIT_LEVELS))

    np.testing.assert_array_equal(gray, rgb)
    np.testing.assert_allclose(gray[0, :, 0], np.array(SIXTEEN_BIT_LEVELS) / 257, atol=1)
    assert gray[0, 0, 0] == 0
    assert gray[0, -1, 0] == 255


def test_the_transparent_level_of_sixteen_bit_gray_lies_on_white():
    transparent = png_chunk(b"tRNS", struct.pack(">H", 256))
    pixels = decoded_pixels(sixteen_bit_png(1, 0, [255, 256, 257], transparent))

    assert pixels[0, :, 0].tolist() == [0, 255, 1]


def test_the_transparent_colour_of_sixteen_bit_rgb_lies_on_white():
    transparent = png_chunk(b"tRNS", struct.pack(">HHH", 32_768, 32_768, 32_768))
    pixels = decoded_pixels(sixteen_bit_png(3, 2, [0, 32_768, 65_535], transparent))

    assert pixels[0, :, 0].tolist() == [0, 255, 255]


def test_sixteen_bit_gray_with_alpha_lies_on_white():
    samples = struct.pack(">8H", 0, 65_535, 0, 0, 65_535, 0, 0, 32_896)
    pixels = decoded_pixels(png(4, 1, bits=16, colour_type=4, rows=b"\0" + samples))

    np.testing.assert_allclose(pixels[0, :, 0], [0, 255, 255, 127], atol=1)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_sixteen_bit_tiff_of_either_byte_order_is_scaled(mode):
    levels = np.array([SIXTEEN_BIT_LEVELS], "<u2" if mode == "I;16" else ">u2")
    image = Image.frombytes(mode, (levels.shape[1], 1), levels.tobytes())
    pixels = decoded_pixels(encode(image, "TIFF"))

    np.testing.assert_array_equal(pixels[0, :, 0], np.array(SIXTEEN_BIT_LEVELS) >> 8)


def test_sixteen_bit_tiff_whose_white_is_zero_is_inverted():
    data = bytearray(encode(Image.frombytes("I;16", (2, 1), struct.pack("<2H", 0, 65_535)), "TIFF"))
    photometric = struct.pack("<HHIH", 262, 3, 1, 1)
    at = data.index(photometric) + 8
    data[at : at + 2] = struct.pack("<H", 0)

    assert decoded_pixels(bytes(data))[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_defined_white_are_refused(mode):
    with pytest.raises(image_refused.ImageRefusedError, match=r"unsupported_format.*no defined white"):
        decoded_pixels(encode(Image.new(mode, (4, 4)), "TIFF"))


def test_cielab_becomes_rgb():
    image = Image.new("LAB", (4, 4), (255, 128, 128))

    np.testing.assert_allclose(decoded_pixels(encode(image, "TIFF")), 255, atol=2)


@pytest.mark.parametrize(("format_name", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_alpha_lies_on_white(format_name, options):
    colour = np.array([200, 40, 0])
    alpha = np.array([0, 64, 128, 255])
    rgba = np.empty((1, 4, 4), np.uint8)
    rgba[0, :, :3] = colour
    rgba[0, :, 3] = alpha
    pixels = decoded_pixels(encode(Image.fromarray(rgba), format_name, **options))

    weight = alpha[:, np.newaxis] / 255
    np.testing.assert_allclose(pixels[0], weight * colour + (1 - weight) * 255, atol=1)


def test_gray_with_alpha_lies_on_white():
    image = Image.fromarray(np.array([[[0, 0], [0, 255], [100, 128]]], np.uint8), "LA")

    np.testing.assert_allclose(decoded_pixels(encode(image, "PNG"))[0, :, 0], [255, 0, 177], atol=1)


def palette_image() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([250, 10, 20, 30, 240, 40, 50, 60, 230])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize("format_name", ["PNG", "GIF"])
def test_a_palette_becomes_its_colours(format_name):
    pixels = decoded_pixels(encode(palette_image(), format_name))

    assert pixels[0].tolist() == [[250, 10, 20], [30, 240, 40], [50, 60, 230]]


@pytest.mark.parametrize("format_name", ["PNG", "GIF"])
def test_the_transparent_entry_of_a_palette_is_white(format_name):
    pixels = decoded_pixels(encode(palette_image(), format_name, transparency=1))

    assert pixels[0].tolist() == [[250, 10, 20], [255, 255, 255], [50, 60, 230]]


def test_palette_entries_may_be_half_transparent():
    pixels = decoded_pixels(encode(palette_image(), "PNG", transparency=bytes([255, 128, 0])))

    np.testing.assert_allclose(pixels[0], [[250, 10, 20], [142, 247, 147], [255, 255, 255]], atol=1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_transparent_colour_without_an_alpha_channel_is_white(mode):
    image = Image.new(mode, (2, 1))
    image.putpixel((1, 0), 90 if mode == "L" else (90, 90, 90))
    pixels = decoded_pixels(encode(image, "PNG", transparency=90 if mode == "L" else (90, 90, 90)))

    assert pixels[0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_black_and_white_keeps_both():
    image = Image.new("1", (16, 1))
    image.putpixel((3, 0), 1)

    assert np.unique(decoded_pixels(encode(image, "PNG"))).tolist() == [0, 255]


@pytest.mark.parametrize("has_adobe_segment", [True, False])
def test_cmyk_is_read_as_inverted_ink(has_adobe_segment):
    # Photoshop and Pillow write ink values inverted and say so in an Adobe segment, which editors may strip.
    jpeg = encode(four_colours().convert("CMYK"), "JPEG", quality=95)
    if not has_adobe_segment:
        start = jpeg.index(b"\xff\xee")
        (length,) = struct.unpack(">H", jpeg[start + 2 : start + 4])
        jpeg = jpeg[:start] + jpeg[start + 2 + length :]

    np.testing.assert_allclose(decoded_pixels(jpeg), np.asarray(four_colours()), atol=3)


def test_a_progressive_jpeg_gives_the_pixels_of_a_baseline_one():
    image = smooth(300, 200)
    baseline = decoded_pixels(encode(image, "JPEG"))
    progressive = decoded_pixels(encode(image, "JPEG", progressive=True))

    np.testing.assert_array_equal(progressive, baseline)


@pytest.mark.parametrize("format_name", ["GIF", "TIFF", "WEBP", "PNG", "MPO", "AVIF"])
def test_the_first_of_several_frames_counts(format_name):
    first, second = Image.new("RGB", (64, 48), (250, 0, 0)), Image.new("RGB", (64, 48), (0, 0, 250))
    data = encode(first, format_name, save_all=True, append_images=[second, second])

    np.testing.assert_allclose(decoded_pixels(data), np.broadcast_to((250, 0, 0), (48, 64, 3)), atol=5)
