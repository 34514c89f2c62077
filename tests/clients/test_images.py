import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genod_client.errors import InvalidInputError
from genod_client.images import encode_image

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
EXIF_ORIENTATION = 0x0112


def decoded(content):
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_passed_on_untouched(kind):
    assert encode_image(kind(b"\xff\xd8 whatever")) == b"\xff\xd8 whatever"


@pytest.mark.parametrize("as_type", [str, Path])
def test_a_file_is_passed_on_untouched(tmp_path, as_type):
    (tmp_path / "photo").write_bytes(b"not even an image")
    assert encode_image(as_type(tmp_path / "photo")) == b"not even an image"


def test_a_file_object_is_read_to_its_end():
    assert encode_image(io.BytesIO(b"photo")) == b"photo"


@pytest.mark.parametrize(
    ("array", "mode"),
    [(PIXELS, "RGB"), (PIXELS[:, :, 0], "L"), (PIXELS[:, :, :1], "L"), (PIXELS[::-1, ::2], "RGB")],
)
def test_an_array_arrives_with_exactly_its_pixels(array, mode):
    image = decoded(encode_image(array))
    assert (image.format, image.mode) == ("PNG", mode)
    np.testing.assert_array_equal(np.asarray(image), array.squeeze(-1) if array.shape[-1] == 1 else array)


def test_an_array_with_alpha_keeps_it():
    rgba = np.dstack([PIXELS, PIXELS[:, :, 0]])
    np.testing.assert_array_equal(np.asarray(decoded(encode_image(rgba))), rgba)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_pil_image_that_png_can_store_arrives_as_it_is(mode):
    image = (
        Image.fromarray(np.arange(35, dtype=np.uint16).reshape(5, 7) * 1000)
        if mode == "I;16"
        else Image.fromarray(PIXELS).convert(mode)
    )
    arrived = decoded(encode_image(image))
    np.testing.assert_array_equal(np.asarray(arrived.convert(mode)), np.asarray(image))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBX", "RGBa", "PA"])
def test_a_pil_image_of_another_mode_arrives_as_rgb_or_rgba(mode):
    image = Image.fromarray(PIXELS).convert("RGBA" if mode in ("RGBa", "PA") else "RGB").convert(mode)
    arrived = decoded(encode_image(image))
    assert arrived.mode == ("RGBA" if mode in ("RGBa", "PA") else "RGB")
    np.testing.assert_array_equal(np.asarray(arrived), np.asarray(image.convert(arrived.mode)))


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_a_pil_image_without_a_range_of_values_is_refused(mode):
    with pytest.raises(InvalidInputError, match=f"mode '{mode}' cannot be stored as PNG: convert it"):
        encode_image(Image.new(mode, (4, 4)))


def test_the_exif_orientation_of_a_pil_image_is_applied():
    image = Image.fromarray(PIXELS)
    exif = image.getexif()
    exif[EXIF_ORIENTATION] = 6  # to be turned by 90 degrees clockwise
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    arrived = decoded(encode_image(decoded(file.getvalue())))
    np.testing.assert_array_equal(np.asarray(arrived), np.rot90(PIXELS, k=-1))
    assert EXIF_ORIENTATION not in arrived.getexif()  # or the server would turn it once more


def test_a_truncated_pil_image_is_refused():
    file = io.BytesIO()
    Image.fromarray(np.repeat(PIXELS, 50, axis=0)).save(file, "PNG")
    with pytest.raises(InvalidInputError, match="cannot be decoded"):
        encode_image(decoded(file.getvalue()[:200]))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (PIXELS.astype(np.float32), "dtype uint8 with values 0 to 255, not float32"),
        (PIXELS.transpose(2, 0, 1), r"not \(3, 5, 7\)\. Move the channels last"),
        (PIXELS[None], r"not \(1, 5, 7, 3\)\. Send the images of a batch one by one"),
        (PIXELS[:0], r"not \(0, 7, 3\)"),
        (PIXELS[0, 0], r"must have shape \(H, W\), \(H, W, 3\) RGB or \(H, W, 4\) RGBA, not \(3,\)"),
        (np.zeros((4, 4, 2), np.uint8), r"not \(4, 4, 2\)"),
    ],
)
def test_an_array_that_is_no_image_is_refused_with_what_to_do(array, message):
    with pytest.raises(InvalidInputError, match=message):
        encode_image(array)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "The image is empty: 0 bytes"),
        (io.BytesIO(b""), "position may be at the end"),
        (io.StringIO("text"), r"opened for reading bytes \(mode 'rb'\), but it gave builtins.str"),
        ("https://example.org/cat.jpg", "Only local files are read"),
        ("no/such/photo.jpg", r"Cannot read the photo 'no/such/photo\.jpg': No such file or directory"),
        ("nul\0l", "Cannot read the photo"),
        (None, "An image must be a path, the bytes .* not builtins.NoneType"),
        ([[1, 2]], "not builtins.list"),
    ],
)
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(InvalidInputError, match=message):
        encode_image(image)


def test_an_empty_file_and_a_folder_are_refused_by_name(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(InvalidInputError, match=r"empty\.jpg' is empty"):
        encode_image(tmp_path / "empty.jpg")
    with pytest.raises(InvalidInputError, match="Is a directory"):
        encode_image(tmp_path)
