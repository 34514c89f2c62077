import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.model_repository.preprocess.sample_images import encode, exif_with_orientation, four_colours
from tests.model_repository.preprocess.siblings import decode, image_limits, upright

ORIENTATIONS = range(1, 9)
LIMITS = image_limits.ImageLimits()
LOSSLESS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},  # not lossless, but both sides of the comparison decode it
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format_name", LOSSLESS)
def test_every_orientation_of_every_format_stands_as_pillow_would_stand_it(format_name, orientation, tmp_path):
    exif = exif_with_orientation(orientation)
    data = encode(four_colours(), format_name, exif=exif, **LOSSLESS[format_name])
    (tmp_path / "file").write_bytes(data)
    with Image.open(tmp_path / "file") as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")

    decoded = decode.read_header(data, LIMITS).decode()

    assert decoded.original_size == expected.size == ((64, 96) if orientation >= 5 else (96, 64))
    np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(expected))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_box_goes_where_its_pixels_go(orientation):
    width, height = size = (40, 30)
    left, top, right, bottom = box = (2, 5, 17, 29)
    marked = np.zeros((height, width), np.uint8)
    marked[top:bottom, left:right] = 255

    turned = upright.turn_upright(Image.fromarray(marked), orientation)

    assert upright.turn_box_upright(box, size, orientation) == turned.getbbox()
    assert upright.upright_size(size, orientation) == turned.size


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_out_of_range_means_upright(orientation):
    data = encode(four_colours(), "JPEG", exif=exif_with_orientation(orientation))

    assert decode.read_header(data, LIMITS).decode().original_size == (96, 64)


def jpeg_with_exif_payload(payload: bytes) -> bytes:
    jpeg = encode(four_colours(), "JPEG")
    segment = b"Exif\0\0" + payload
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + jpeg[2:]


LITTLE_ENDIAN = b"II*\0" + struct.pack("<I", 8)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage, no TIFF header at all",
        LITTLE_ENDIAN,
        LITTLE_ENDIAN + struct.pack("<H", 40_000),
        LITTLE_ENDIAN + struct.pack("<HHHI4s", 1, 0x0112, 3, 1, b""),
        LITTLE_ENDIAN + struct.pack("<HHHI4s", 1, 0x0112, 2, 4, b"six\0"),
        LITTLE_ENDIAN + struct.pack("<HHHI4s", 1, 0x0112, 5, 1, b"\xff\xff\xff\x7f"),
        LITTLE_ENDIAN + struct.pack("<HHHI4sI", 1, 0x0112, 3, 0, b"\x06", 0xFFFFFFF0),
        *(np.random.default_rng(seed).bytes(60) for seed in range(20)),
        *(LITTLE_ENDIAN + np.random.default_rng(seed).bytes(60) for seed in range(20)),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Truncated File Read")
def test_broken_exif_does_not_fail_a_photo(payload):
    decoded = decode.read_header(jpeg_with_exif_payload(payload), LIMITS).decode()

    assert decoded.original_size == (96, 64)


def test_intact_exif_in_the_same_place_does_count():
    payload = LITTLE_ENDIAN + struct.pack("<HHHI4sI", 1, 0x0112, 3, 1, b"\x06", 0)

    assert decode.read_header(jpeg_with_exif_payload(payload), LIMITS).decode().original_size == (64, 96)
