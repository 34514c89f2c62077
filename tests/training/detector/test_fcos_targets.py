"""The assignment against a plain loop written from FCOS, section 3.1."""

import math

import pytest
import torch

from training.detector.backbone import STRIDES
from training.detector.fcos_targets import (
    CENTER_SAMPLING_RADIUS,
    MAX_DISTANCE_IN_STRIDES,
    assign_locations,
)
from training.detector.locations import pyramid_locations

LEVEL_SIZES = [(52, 84), (26, 42), (13, 21), (7, 11), (4, 6)]


def assign_by_loop(locations, strides, boxes, class_indices, max_distance=MAX_DISTANCE_IN_STRIDES):
    answers = []
    for (x, y), stride in zip(locations.tolist(), strides.tolist(), strict=True):
        best = None
        for box, class_index in zip(boxes.tolist(), class_indices.tolist(), strict=True):
            left, top, right, bottom = x - box[0], y - box[1], box[2] - x, box[3] - y
            if min(left, top, right, bottom) <= 0:
                continue
            center_x, center_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            if max(abs(x - center_x), abs(y - center_y)) >= CENTER_SAMPLING_RADIUS * stride:
                continue
            largest = max(left, top, right, bottom)
            if stride != STRIDES[0] and largest <= max_distance * stride / 2:
                continue
            if stride != STRIDES[-1] and largest > max_distance * stride:
                continue
            area = (box[2] - box[0]) * (box[3] - box[1])
            if best is None or area < best[0]:
                ratio = (min(left, right) / max(left, right)) * (min(top, bottom) / max(top, bottom))
                best = (area, class_index, box, math.sqrt(ratio))
        answers.append(best)
    return answers


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("max_distance", [8.0, 7.0])  # of FCOS, and of a head whose last bin is 7
@pytest.mark.parametrize("seed", range(3))
def test_every_location_answers_for_the_smallest_object_that_claims_it(seed, max_distance, dtype):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(30, 2, generator=generator) * torch.tensor([600.0, 380.0])
    sizes = torch.rand(30, 2, generator=generator) ** 3 * torch.tensor([600.0, 400.0]) + 4
    boxes = torch.cat([corners, corners + sizes], dim=1)
    class_indices = torch.randint(0, 5, (30,), generator=generator)
    locations, strides = (x.to(dtype) for x in pyramid_locations(LEVEL_SIZES))
    boxes = boxes.to(dtype)

    targets = assign_locations(locations, strides, boxes, class_indices, max_distance_in_strides=max_distance)

    expected = assign_by_loop(locations, strides, boxes, class_indices, max_distance)
    assert targets.boxes.dtype == dtype
    assert sum(answer is not None for answer in expected) > 20
    for k, answer in enumerate(expected):
        if answer is None:
            assert targets.class_indices[k] == -1
            assert targets.centerness[k] == 0
        else:
            _, class_index, box, centerness = answer
            assert targets.class_indices[k] == class_index
            assert targets.boxes[k].tolist() == pytest.approx(box)
            assert targets.centerness[k].item() == pytest.approx(centerness, abs=1e-5)


def test_a_photo_without_objects_is_all_background():
    locations, strides = pyramid_locations(LEVEL_SIZES)
    targets = assign_locations(locations, strides, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    assert (targets.class_indices == -1).all()
    assert not targets.boxes.any()
    assert not targets.centerness.any()


def test_an_object_larger_than_every_range_belongs_to_the_last_level():
    locations, strides = pyramid_locations(LEVEL_SIZES)
    targets = assign_locations(locations, strides, torch.tensor([[0.0, 0.0, 3000.0, 700.0]]), torch.tensor([0]))
    assert strides[targets.class_indices == 0].unique().tolist() in ([], [STRIDES[-1]])
