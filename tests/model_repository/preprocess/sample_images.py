"""Small synthetic pictures and their encoded files."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import ExifTags, Image


def encode(image: Image.Image, format_name: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def exif_with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def four_colours(width: int = 96, height: int = 64) -> Image.Image:
    """Red, green / blue, yellow quarters: no turn or mirroring of it equals another."""
    pixels = np.empty((height, width, 3), np.uint8)
    half_height, half_width = height // 2, width // 2
    pixels[:half_height, :half_width] = (230, 20, 30)
    pixels[:half_height, half_width:] = (20, 200, 40)
    pixels[half_height:, :half_width] = (30, 40, 220)
    pixels[half_height:, half_width:] = (240, 230, 20)
    return Image.fromarray(pixels)


def smooth(width: int, height: int) -> Image.Image:
    """Slow waves of colour: JPEG keeps them nearly exactly, at every scale."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / width, y / height
    waves = [np.sin(5 * x + 3 * y), np.cos(4 * x - 6 * y), np.sin(3 * x * y + 2)]
    return Image.fromarray((127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8))


def png_chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def png(width: int, height: int, *, bits: int, colour_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand, for the kinds of pixel that Pillow cannot write.

    Args:
        rows: Every row with its filter byte in front, not yet compressed.
        extra: Chunks between header and pixels.
    """
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + png_chunk(b"IEND", b"")


def bombs() -> dict[str, bytes]:
    """Files of a few bytes whose headers promise gigabytes."""
    side = 65_000
    canvas_only = struct.pack("<HHBBB", side, side, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x08\x01\x00\x00;"
    dispose_to_background = b"!\xf9\x04\x08\x00\x00\x00\x00"
    jpeg = bytearray(encode(four_colours(), "JPEG"))
    size_at = jpeg.index(b"\xff\xc0") + 5
    jpeg[size_at : size_at + 4] = struct.pack(">HH", side, side)
    tiff = bytearray(encode(Image.new("L", (64, 64)), "TIFF"))
    for tag in (ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength):
        value_at = tiff.index(struct.pack("<HHI", tag, 4, 1)) + 8
        tiff[value_at : value_at + 4] = struct.pack("<I", side)
    webp_side = (16_383 - 1).to_bytes(3, "little")
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes(4) + webp_side + webp_side
    webp_frame = encode(four_colours(), "WEBP")[12:]
    webp = b"WEBP" + vp8x + webp_frame
    return {
        "PNG": png(side, side, bits=8, colour_type=2, rows=b""),
        "GIF": b"GIF89a" + canvas_only + frame,
        "GIF that disposes of its frame": b"GIF89a" + canvas_only + dispose_to_background + frame,
        "JPEG": bytes(jpeg),
        "TIFF": bytes(tiff),
        "WEBP": b"RIFF" + struct.pack("<I", len(webp)) + webp,
    }
