"""The canvas of objects comes beside the detector's, and neither changes the other."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.model_repository.preprocess.sample_images import encode, exif_with_orientation, smooth
from tests.model_repository.preprocess.siblings import (
    decode,
    image_limits,
    image_preprocessor,
    image_refused,
    letterbox,
)

DETECTOR, OBJECTS = letterbox.DETECTOR_CANVAS, letterbox.OBJECT_CANVAS


@pytest.fixture(scope="module")
def preprocessor():
    return image_preprocessor.ImagePreprocessor(image_limits.ImageLimits())


def decodings(monkeypatch):
    """A list that grows with every decoding, by the size that it starts from."""
    sizes = []
    original = decode.ImageHeader.decode

    def decode_and_note(header):
        sizes.append(header.image.size)
        return original(header)

    monkeypatch.setattr(decode.ImageHeader, "decode", decode_and_note)
    return sizes


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def placed_alone_and_together(preprocessor, file):
    alone = {canvas: preprocessor.preprocess(file, [canvas]) for canvas in (DETECTOR, OBJECTS)}
    both = preprocessor.preprocess(file, [DETECTOR, OBJECTS])
    return (
        (alone[DETECTOR].on_detector_canvas, alone[OBJECTS].on_object_canvas),
        (both.on_detector_canvas, both.on_object_canvas),
    )


def assert_equal(one, other):
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.canvas_to_image, other.canvas_to_image)


@pytest.mark.parametrize("size", [(640, 480), (700, 900), (1600, 1200), (2400, 1500), (3000, 4400)])
def test_neither_canvas_depends_on_whether_the_other_is_asked_for(preprocessor, size):
    alone, together = placed_alone_and_together(preprocessor, jpeg(smooth(*size)))
    for one, other in zip(alone, together, strict=True):
        assert_equal(one, other)


def test_a_canvas_that_nobody_asked_for_is_not_made(preprocessor):
    file = jpeg(smooth(640, 480))
    assert preprocessor.preprocess(file).on_object_canvas is None
    assert preprocessor.preprocess(file, [OBJECTS]).on_detector_canvas is None


@pytest.mark.parametrize(
    ("names", "canvases"),
    [
        (("pixels", "image_size"), [DETECTOR]),
        (("canvas_to_image",), [DETECTOR]),
        (("object_canvas", "image_size"), [OBJECTS]),
        (("pixels", "canvas_to_image_objects"), [DETECTOR, OBJECTS]),
        (("image_size",), [DETECTOR]),
    ],
)
def test_the_outputs_asked_for_say_which_canvases_are_made(names, canvases):
    assert image_preprocessor.canvases_for(names) == canvases


@pytest.mark.parametrize(
    ("size", "decodes"),
    [((640, 480), 1), ((1000, 700), 1), ((1600, 1200), 2), ((6400, 4800), 2)],
    ids=lambda value: str(value),
)
def test_a_photo_is_decoded_once_unless_a_smaller_scale_is_enough_for_the_detector(
    preprocessor, monkeypatch, size, decodes
):
    seen = decodings(monkeypatch)
    preprocessor.preprocess(jpeg(smooth(*size)), [DETECTOR, OBJECTS])
    assert len(seen) == decodes


def test_a_png_is_always_decoded_once(preprocessor, monkeypatch):
    seen = decodings(monkeypatch)
    preprocessor.preprocess(encode(smooth(1600, 1200), "PNG"), [DETECTOR, OBJECTS])
    assert len(seen) == 1


def test_the_object_canvas_holds_the_photo_upright_and_at_its_own_size(preprocessor):
    image = smooth(300, 200)
    stored = image.transpose(Image.Transpose.ROTATE_90)  # orientation 6: turn right to stand upright
    file = io.BytesIO()
    stored.save(file, "PNG", exif=exif_with_orientation(6))
    placed = preprocessor.preprocess(file.getvalue(), [OBJECTS]).on_object_canvas
    np.testing.assert_array_equal(placed.pixels[:200, :300], np.asarray(image))
    assert placed.canvas_to_image.tolist() == [1.0, 1.0]
    assert (placed.pixels[200:] == letterbox.FILL_RGB).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Image appears to be a malformed MPO file")
def test_real_files_have_the_same_canvases_alone_and_together(preprocessor, genod_data):
    compared = 0
    for photo in sorted((genod_data / "photos").iterdir()):
        if photo.suffix == ".json":
            continue
        try:
            alone, together = placed_alone_and_together(preprocessor, photo.read_bytes())
        except image_refused.ImageRefusedError:
            continue
        for one, other in zip(alone, together, strict=True):
            assert_equal(one, other)
        compared += 1
    assert compared > 30
