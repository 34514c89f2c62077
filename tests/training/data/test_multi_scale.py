"""Multi-scale training: every size of the range is drawn, none beyond it, and the shape is kept."""

import collections

import pytest
import torch
from PIL import Image

from training.data.augmentation import CanvasAugmentation


def drawn_shorter_sides(size, shorter_side_range_px, *, draws):
    """The shorter sides that a photo was scaled to, told by a box in its middle that no crop has touched."""
    width, height = size
    box = torch.tensor([[width / 2 - 3.0, height / 2 - 3.0, width / 2 + 3.0, height / 2 + 3.0]])
    augmentation = CanvasAugmentation(shorter_side_range_px=shorter_side_range_px)
    torch.manual_seed(0)
    drawn: collections.Counter[int] = collections.Counter()
    for _ in range(draws):
        pixels, boxes, labels = augmentation(Image.new("RGB", size), box, torch.zeros(1, dtype=torch.int64))
        assert pixels.shape == ((416, 672, 3) if width >= height else (672, 416, 3))
        assert len(boxes) == len(labels)
        for x1, y1, x2, y2 in boxes.tolist():
            if x1 > 0 and x2 < pixels.shape[1] and y1 > 0 and y2 < pixels.shape[0]:
                assert x2 - x1 == pytest.approx(y2 - y1, abs=0.5)  # the shape is kept
                drawn[round((x2 - x1) / 6 * min(size) / 20) * 20] += 1
    return drawn


@pytest.mark.parametrize("size", [(80, 60), (60, 80)], ids=["landscape", "portrait"])
def test_shorter_sides_from_300_to_500_are_drawn_evenly(size):
    drawn = drawn_shorter_sides(size, (300, 500), draws=150)
    assert sorted(drawn) == list(range(300, 501, 20))
    assert max(drawn.values()) < 5 * min(drawn.values())


def test_a_long_photo_is_scaled_by_its_longer_side_so_that_the_canvas_holds_most_of_it():
    drawn = drawn_shorter_sides((160, 40), (300, 500), draws=20)
    assert set(drawn) == {200}  # 834 px long, 500 / 400 of what is served: 208 px high


def test_a_range_that_20_does_not_divide_includes_its_upper_end():
    assert set(drawn_shorter_sides((80, 60), (300, 310), draws=20)) <= {300, 320}
    augmentation = CanvasAugmentation(shorter_side_range_px=(300, 310))
    assert "300 to 310" in augmentation.description
