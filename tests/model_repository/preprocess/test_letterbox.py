import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.model_repository.preprocess.sample_images import smooth
from tests.model_repository.preprocess.siblings import letterbox as module

SIDES = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("original", "resized"),
    [
        ((640, 480), (533, 400)),
        ((480, 640), (400, 533)),
        ((4000, 3000), (533, 400)),
        ((1920, 1080), (667, 375)),
        ((1000, 1000), (400, 400)),
        ((667, 400), (667, 400)),
        ((1, 1), (400, 400)),
        ((2, 1), (667, 334)),
        ((10_000, 1), (667, 1)),
        ((1, 10_000), (1, 667)),
    ],
)
def test_the_shorter_side_becomes_400_unless_the_longer_would_exceed_667(original, resized):
    assert module.resized_size(original) == resized


@given(SIDES, SIDES)
def test_every_size_fits_its_canvas_and_turns_with_the_image(width, height):
    resized_width, resized_height = module.resized_size((width, height))
    canvas_width, canvas_height = module.canvas_size((width, height))

    assert 1 <= resized_width <= canvas_width
    assert 1 <= resized_height <= canvas_height
    assert min(resized_width, resized_height) == 400 or max(resized_width, resized_height) == 667
    assert module.resized_size((height, width)) == (resized_height, resized_width)


@pytest.mark.parametrize(
    ("original", "shape"), [((5, 4), (416, 672, 3)), ((4, 4), (416, 672, 3)), ((4, 5), (672, 416, 3))]
)
def test_landscape_and_square_share_a_canvas_and_portrait_has_the_other(original, shape):
    canvas, _ = module.letterbox(Image.new("RGB", original), original)

    assert canvas.shape == shape
    assert canvas.dtype == np.uint8
    assert canvas.flags.c_contiguous
    assert canvas.flags.writeable


def test_the_image_stands_in_the_top_left_corner_and_the_rest_is_filled():
    image = smooth(640, 480)
    canvas, _ = module.letterbox(image, image.size)

    expected = np.full((416, 672, 3), (124, 116, 104), np.uint8)
    expected[:400, :533] = np.asarray(image.resize((533, 400), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(canvas, expected)


@pytest.mark.parametrize("original", [(640, 480), (480, 640), (10_000, 1), (1, 1), (3023, 4031)])
def test_canvas_to_image_maps_the_corner_of_the_resized_image_to_the_corner_of_the_original(original):
    image = Image.new("RGB", original)
    _, canvas_to_image = module.letterbox(image, original)

    assert canvas_to_image.dtype == np.float32
    corner = np.array(module.resized_size(original)) * canvas_to_image
    np.testing.assert_allclose(corner, original, rtol=1e-6)


@pytest.mark.parametrize(
    ("original", "resized"),
    [
        ((640, 480), (640, 480)),
        ((1, 1), (1, 1)),
        ((1600, 1200), (1067, 800)),
        ((3000, 4000), (800, 1067)),
        ((3840, 2160), (1334, 750)),
        ((10_000, 100), (1334, 13)),
        ((800, 1334), (800, 1334)),
    ],
)
def test_the_object_canvas_is_twice_as_fine_and_nothing_grows_on_it(original, resized):
    assert module.resized_size(original, module.OBJECT_CANVAS) == resized
    canvas, factors = module.letterbox(Image.new("RGB", original), original, canvas=module.OBJECT_CANVAS)

    assert canvas.shape == ((832, 1344, 3) if original[0] >= original[1] else (1344, 832, 3))
    np.testing.assert_allclose(np.array(resized) * factors, original, rtol=1e-6)


@given(SIDES, SIDES)
def test_both_canvases_of_an_image_have_one_orientation_and_hold_it(width, height):
    size = width, height
    detector, objects = (module.canvas_size(size, canvas) for canvas in (module.DETECTOR_CANVAS, module.OBJECT_CANVAS))

    assert objects == (2 * detector[0], 2 * detector[1])
    resized_width, resized_height = module.resized_size(size, module.OBJECT_CANVAS)
    assert 1 <= resized_width <= min(width, objects[0])
    assert 1 <= resized_height <= min(height, objects[1])


def test_the_original_size_sets_the_geometry_when_the_image_was_decoded_smaller():
    image = smooth(1000, 750)
    at_half_scale, factors_at_half_scale = module.letterbox(image, (2000, 1500))
    at_full_scale, factors = module.letterbox(image, (1000, 750))

    np.testing.assert_array_equal(at_half_scale, at_full_scale)
    np.testing.assert_allclose(factors_at_half_scale, 2 * factors)


def test_gray_gives_the_same_values_as_the_same_picture_in_rgb():
    gray = smooth(900, 700).convert("L")
    from_gray, _ = module.letterbox(gray, gray.size)
    from_rgb, _ = module.letterbox(gray.convert("RGB"), gray.size)

    np.testing.assert_array_equal(from_gray, from_rgb)


def test_the_extent_sets_the_geometry_and_the_pixels_outside_only_touch_the_edge():
    picture = smooth(96, 64)
    padded = Image.new("RGB", (97, 65), (255, 0, 255))
    padded.paste(picture)

    inside, _ = module.letterbox(padded, picture.size, extent=(0, 0, 96, 64))
    alone, _ = module.letterbox(picture, picture.size)
    # Grown 6.25 times, bilinear reaches half a source pixel beyond the edge: 4 pixels of the canvas.
    np.testing.assert_array_equal(inside[:396, :596], alone[:396, :596])
