import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.model_repository.preprocess.sample_images import (
    encode,
    exif_with_orientation,
    four_colours,
    smooth,
)
from tests.model_repository.preprocess.siblings import (
    decode,
    image_format,
    image_limits,
    image_preprocessor,
    image_refused,
    letterbox,
    upright,
)

LIMITS = image_limits.ImageLimits()


def stored_jpeg(size: tuple[int, int], orientation: int = 1) -> bytes:
    return encode(smooth(*size), "JPEG", quality=95, exif=exif_with_orientation(orientation))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize(
    "stored", [(640, 480), (1066, 800), (1065, 800), (1068, 801), (2133, 1600), (3000, 1000), (999, 3001)]
)
def test_a_reduced_scale_is_never_smaller_than_what_it_is_resized_to(stored, orientation):
    decoded = decode.read_header(stored_jpeg(stored, orientation), LIMITS).decode()

    assert decoded.original_size == upright.upright_size(stored, orientation)
    target_width, target_height = letterbox.resized_size(decoded.original_size)
    width, height = decoded.image.size
    assert width >= min(target_width, decoded.original_size[0])
    assert height >= min(target_height, decoded.original_size[1])
    # ... and never twice as large as it need be, up to the factor 8 that JPEG offers
    assert width < 2 * target_width + 1 or height < 2 * target_height + 1


@given(st.integers(1, 65_535), st.integers(1, 65_535))
def test_the_scale_of_pillow_leaves_at_least_the_requested_size(width, height):
    target_width, target_height = letterbox.resized_size((width, height))
    scale = min(width // target_width, height // target_height)
    reduction = next((s for s in (8, 4, 2) if scale >= s), 1)

    assert reduction == 1 or (width / reduction >= target_width and height / reduction >= target_height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_scale_shows_the_same_picture_to_the_last_column(orientation):
    # 3209 = 8 * 401 + 1: at 1/8 the last row and column hold 1 px of the original and 7 px of padding.
    data = stored_jpeg((3209, 3209 + 8), orientation)
    reduced = decode.read_header(data, LIMITS).decode()
    assert max(reduced.image.size) < 500

    full_size = upright.turn_upright(smooth(3209, 3209 + 8), orientation)
    expected, expected_factors = letterbox.letterbox(full_size, full_size.size)
    canvas, factors = letterbox.letterbox(reduced.image, reduced.original_size, reduced.extent)

    np.testing.assert_array_equal(factors, expected_factors)
    assert np.abs(canvas.astype(int) - expected).max() <= 4


def test_the_extent_leaves_the_padding_out():
    header = decode.read_header(encode(Image.new("L", (8001, 4001)), "JPEG"), LIMITS)

    assert header.stored_extent == (0, 0, 8001 / 8, 4001 / 8)
    assert header.decode().image.size == (1001, 501)


def test_decoding_twice_gives_the_same_bits():
    data = stored_jpeg((2000, 1500))
    preprocessor = image_preprocessor.ImagePreprocessor(LIMITS)
    first, second = preprocessor.preprocess(data), preprocessor.preprocess(data)

    np.testing.assert_array_equal(first.on_detector_canvas.pixels, second.on_detector_canvas.pixels)


@pytest.mark.parametrize("size", [(300, 200), (3000, 2000)])
@pytest.mark.parametrize("lost_bytes", [1, 2, 20, 500])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_jpeg_is_found_out_at_every_scale(size, lost_bytes, progressive):
    data = encode(smooth(*size), "JPEG", progressive=progressive)[:-lost_bytes]
    header = decode.read_header(data, LIMITS)

    with pytest.raises(image_refused.ImageRefusedError, match=r"\(broken_image\): JPEG: image file is truncated"):
        header.decode()


@pytest.mark.parametrize("format_name", image_format.SUPPORTED_FORMATS)
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_truncated_file_of_every_format_is_refused(format_name, kept):
    # Noise: what compresses to nothing can lose bytes that nobody needs.
    data = encode(Image.effect_noise((200, 150), 60).convert("RGB"), format_name)

    with pytest.raises(image_refused.ImageRefusedError, match=rf"\(broken_image\): .*{format_name}"):
        decode.read_header(data[: int(kept * len(data))], LIMITS).decode()


@pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000), (2, 3)])
def test_extreme_sizes_are_served(size):
    preprocessed = image_preprocessor.ImagePreprocessor(LIMITS).preprocess(encode(Image.new("RGB", size), "PNG"))

    assert preprocessed.image_size == size
    assert preprocessed.on_detector_canvas.pixels.shape == ((416, 672, 3) if size[0] >= size[1] else (672, 416, 3))
    np.testing.assert_allclose(
        preprocessed.on_detector_canvas.canvas_to_image * letterbox.resized_size(size), size, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        (b"", "empty", "received 0 bytes"),
        (b"hello, world", "not_an_image", "b'hello, w'"),
        ("a photo".encode("utf-16"), "not_an_image", "send JPEG"),
        (b"\xff\xd8\xff", "broken_image", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "broken_image", "PNG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "broken_image", "WEBP"),
        (b"GIF89a", "broken_image", "GIF"),
        (b"II*\0\x08\0\0\0", "broken_image", "TIFF"),
        (encode(four_colours(), "BMP"), "unsupported_format", "BMP"),
        (encode(four_colours(), "JPEG2000"), "unsupported_format", "JPEG 2000"),
        (encode(four_colours(), "ICO"), "unsupported_format", "ICO"),
        (encode(four_colours(), "EPS"), "unsupported_format", "PostScript"),
        (encode(four_colours(), "PDF"), "unsupported_format", "PDF"),
        (encode(four_colours(), "PPM"), "not_an_image", "start like no image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported_format", "HEIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "not_an_image", "start like no image"),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_what_is_no_supported_image_is_refused_by_name(data, reason, says):
    with pytest.raises(image_refused.ImageRefusedError) as refused:
        decode.read_header(data, LIMITS)

    assert refused.value.reason == reason
    assert str(refused.value).startswith(f"image refused ({reason}): ")
    assert says in str(refused.value)
    assert "0x" not in str(refused.value)  # no addresses of Python objects


SEEDS = [
    encode(four_colours(), name, exif=exif_with_orientation(6))
    for name in image_format.SUPPORTED_FORMATS
    if name != "GIF"
] + [
    encode(four_colours(), "GIF"),
    encode(four_colours(), "MPO", save_all=True, append_images=[four_colours()]),
]


@settings(max_examples=400)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(0, 4000),
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_an_image_or_a_refusal_and_nothing_else(seed, damage, kept_bytes):
    data = bytearray(seed)
    for position, value in damage:
        data[position % len(data)] = value
    preprocessor = image_preprocessor.ImagePreprocessor(image_limits.ImageLimits(max_image_pixels=4_000_000))

    with contextlib.suppress(image_refused.ImageRefusedError):
        preprocessed = preprocessor.preprocess(bytes(data[: kept_bytes + 1]))
        assert preprocessed.on_detector_canvas.pixels.shape in ((416, 672, 3), (672, 416, 3))
