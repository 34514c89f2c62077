import math

import numpy as np
import pytest

from genod_client import Box, ImageSize, InvalidInputError
from genod_client.boxes import read_boxes, require_within
from tests.clients.answers import expected_detections, expected_visual_search

GOOD = (1.0, 2.0, 3.0, 4.0)


def test_boxes_come_as_tuples_arrays_boxes_or_whatever_has_a_box():
    as_float32 = Box(*(float(np.float32(edge)) for edge in (10.1, 20.2, 200.3, 150.4)))
    detections = expected_detections()
    for boxes in (
        [(10.1, 20.2, 200.3, 150.4)],
        np.array([[10.1, 20.2, 200.3, 150.4]]),
        [detections[0].box],
        [detections[0]],
        detections.objects()[:1],
        expected_visual_search()[:1],
        (box for box in [[10.1, 20.2, 200.3, 150.4]]),
    ):
        assert read_boxes(boxes) == (as_float32,)
    assert read_boxes(np.array([[1, 2, 3, 4], [5, 6, 7, 8]])) == (Box(1, 2, 3, 4), Box(5, 6, 7, 8))


@pytest.mark.parametrize("boxes", [[], (), np.zeros((0, 4))])
def test_no_boxes_at_all_are_refused_with_what_to_call_instead(boxes):
    with pytest.raises(InvalidInputError, match=r"no boxes.*visual_search"):
        read_boxes(boxes)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e39], ids=["nan", "inf", "-inf", "beyond float32"])
@pytest.mark.parametrize("place", range(4))
def test_a_box_that_is_not_finite_is_refused_by_its_row(number, place):
    bad = list(GOOD)
    bad[place] = number
    with pytest.raises(InvalidInputError, match=r"boxes\[2\] = .* is not finite"):
        read_boxes([GOOD, GOOD, bad])


@pytest.mark.parametrize(
    "bad",
    [(1, 2, 1, 4), (1, 2, 3, 2), (3, 2, 1, 4), (1, 4, 3, 2), (0, 0, 0, 0), (16777216, 0, 16777217, 1)],
    ids=["no width", "no height", "x turned round", "y turned round", "nothing", "no width in float32"],
)
def test_a_box_without_an_area_is_refused_by_its_row(bad):
    with pytest.raises(InvalidInputError, match=r"boxes\[1\] = .* has no area: x1 < x2"):
        read_boxes([GOOD, bad])


@pytest.mark.parametrize("bad", [(1, 2, 3), (1, 2, 3, 4, 5), "1234", None, 7.0, ("a", 2, 3, 4), {}, [[1, 2, 3, 4]]])
def test_what_is_no_box_is_refused_by_its_row(bad):
    with pytest.raises(InvalidInputError, match=r"boxes\[1\] = .* is no box: a box is four numbers"):
        read_boxes([GOOD, bad])


def test_a_single_box_without_its_list_is_explained():
    with pytest.raises(InvalidInputError, match="A single box goes into a list"):
        read_boxes(GOOD)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="Boxes come in a list"):
        read_boxes(5)  # type: ignore[arg-type]


def test_a_box_may_fill_the_photo_and_not_a_pixel_more():
    size = ImageSize(640, 480)
    require_within([Box(0, 0, 640, 480)], size)
    for bad in [(-0.5, 0, 640, 480), (0, -1, 640, 480), (0, 0, 640.5, 480), (0, 0, 640, 481), (700, 10, 800, 20)]:
        with pytest.raises(InvalidInputError, match=r"boxes\[1\] = .* outside the upright photo of 640 × 480 pixels"):
            require_within([Box(*GOOD), Box(*bad)], size)
