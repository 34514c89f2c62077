from hypothesis import given
from hypothesis import strategies as st

from genod_client import Box
from genod_client.cli.label_layout import Rectangle, place_label

PICTURE = (400, 300)


def overlap(a, b):
    return max(0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0, min(a.y2, b.y2) - max(a.y1, b.y1))


def test_a_label_stands_above_its_box_where_there_is_room():
    assert place_label((50, 12), Box(100, 100, 200, 200), PICTURE, []) == Rectangle(100, 88, 150, 100)


def test_a_label_moves_into_the_picture():
    assert place_label((50, 12), Box(380, 2, 399, 200), PICTURE, []) == Rectangle(349, 0, 399, 12)


def test_labels_of_boxes_at_one_place_do_not_cover_each_other():
    taken: list[Rectangle] = []
    for _ in range(8):
        taken.append(place_label((50, 12), Box(100, 100, 200, 200), PICTURE, taken))
    assert all(overlap(a, b) == 0 for index, a in enumerate(taken) for b in taken[:index])


@given(
    st.tuples(st.floats(1, 300), st.floats(1, 40)),
    st.tuples(st.floats(0, 399), st.floats(0, 299), st.floats(0, 399), st.floats(0, 299)),
    st.integers(0, 5),
)
def test_a_label_that_fits_is_within_the_picture(size, corners, labels_before):
    x1, y1, x2, y2 = corners
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    taken: list[Rectangle] = []
    for _ in range(labels_before + 1):
        taken.append(place_label(size, box, PICTURE, taken))
    place = taken[-1]
    assert place.x1 >= 0
    assert place.y1 >= 0
    assert place.x2 <= PICTURE[0] - 1 + 1e-9
    assert place.y2 <= PICTURE[1] - 1 + 1e-9


def test_a_label_wider_than_the_picture_begins_at_its_left_edge():
    place = place_label((500, 12), Box(100, 100, 200, 200), PICTURE, [])
    assert place.x1 == 0
