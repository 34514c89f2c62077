"""The three losses against plain loops written from the papers."""

import math

import pytest
import torch

from training.detector.fcos_loss import fcos_losses
from training.detector.fcos_outputs import HeadOutputs, rectified_distances
from training.detector.fcos_targets import assign_locations
from training.detector.locations import pyramid_locations

LEVEL_SIZES = [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]
CLASSES, BINS = 3, 8


def random_case(seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    locations, strides = pyramid_locations(LEVEL_SIZES)
    count = len(locations)
    logits = torch.randn(2, count, 4, BINS, generator=generator).to(dtype)
    outputs = HeadOutputs(
        class_logits=torch.randn(2, count, CLASSES, generator=generator).to(dtype),
        centerness_logits=torch.randn(2, count, generator=generator).to(dtype),
        distance_logits=logits,
    )
    boxes = torch.tensor([[10.0, 12.0, 60.0, 50.0], [40.0, 30.0, 120.0, 118.0], [8.0, 70.0, 30.0, 100.0]])
    targets = [
        assign_locations(locations, strides, boxes, torch.tensor([0, 2, 1])),
        assign_locations(locations, strides, boxes[:0], torch.zeros(0, dtype=torch.int64)),
    ]
    return outputs, targets, locations, strides


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def expectation(side):
    return sum(bin_ * float(p) for bin_, p in enumerate(side.softmax(0)))


def losses_by_loop(outputs, targets, locations, strides, class_is_known=None, is_ancestor=None, distance=expectation):
    focal = centerness_sum = box_sum = centerness_weight = 0.0
    positives = sum(int((t.class_indices >= 0).sum()) for t in targets)
    for image, target in enumerate(targets):
        for k in range(len(locations)):
            label = int(target.class_indices[k])
            for c in range(CLASSES):
                if c != label and class_is_known is not None and not class_is_known[image, c]:
                    continue
                if label >= 0 and is_ancestor is not None and is_ancestor[label, c]:
                    continue
                p = sigmoid(float(outputs.class_logits[image, k, c]))
                # Focal loss, equation 5, alpha 0.25 and gamma 2
                if c == label:
                    focal -= 0.25 * (1 - p) ** 2 * math.log(p)
                else:
                    focal -= 0.75 * p**2 * math.log(1 - p)
            if label < 0:
                continue
            wanted = float(target.centerness[k])
            p = sigmoid(float(outputs.centerness_logits[image, k]))
            centerness_sum -= wanted * math.log(p) + (1 - wanted) * math.log(1 - p)
            x, y = locations[k].tolist()
            left, top, right, bottom = (
                float(strides[k]) * distance(side) for side in outputs.distance_logits[image, k]
            )
            ours, theirs = (x - left, y - top, x + right, y + bottom), target.boxes[k].tolist()
            box_sum += wanted * (1 - giou(ours, theirs))
            centerness_weight += wanted
    return focal / positives, centerness_sum / positives, box_sum / centerness_weight


def giou(a, b):
    """Generalized intersection over union, algorithm 1 of its paper."""
    overlap_w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    overlap_h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    intersection = overlap_w * overlap_h
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return intersection / union - (hull - union) / hull


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-5)])
@pytest.mark.parametrize("seed", range(3))
def test_losses_equal_a_loop_from_the_papers(seed, dtype, tolerance):
    outputs, targets, locations, strides = random_case(seed, dtype)
    losses = fcos_losses(outputs, targets, locations, strides)
    expected = losses_by_loop(outputs, targets, locations, strides)
    assert [float(v) for v in losses] == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("seed", range(3))
def test_classes_that_a_data_set_does_not_annotate_are_no_background(seed):
    outputs, targets, locations, strides = random_case(seed, torch.float32)
    class_is_known = torch.tensor([[True, True, True], [False, True, False]])
    losses = fcos_losses(outputs, targets, locations, strides, class_is_known)
    expected = losses_by_loop(outputs, targets, locations, strides, class_is_known)
    assert [float(v) for v in losses] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("class_is_known", [None, torch.tensor([[True, True, False], [False, True, True]])])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-5)])
def test_ancestors_of_an_object_are_no_background_where_it_is(class_is_known, dtype, tolerance):
    outputs, targets, locations, strides = random_case(4, dtype)
    # 0 is an animal, 1 a cat, 2 a thing of its own.
    is_ancestor = torch.zeros(CLASSES, CLASSES, dtype=torch.bool)
    is_ancestor[1, 0] = True
    losses = fcos_losses(outputs, targets, locations, strides, class_is_known, is_ancestor)
    expected = losses_by_loop(outputs, targets, locations, strides, class_is_known, is_ancestor)
    assert [float(v) for v in losses] == pytest.approx(expected, rel=tolerance)
    assert losses.classification < fcos_losses(outputs, targets, locations, strides, class_is_known).classification


def test_no_gradient_reaches_an_ancestor_at_the_object_and_it_stays_background_elsewhere():
    outputs, targets, locations, strides = random_case(5, torch.float32)
    outputs.class_logits.requires_grad_()
    is_ancestor = torch.zeros(CLASSES, CLASSES, dtype=torch.bool)
    is_ancestor[1, 0] = is_ancestor[2, 0] = True
    fcos_losses(outputs, targets, locations, strides, None, is_ancestor).classification.backward()
    gradient = outputs.class_logits.grad[0, :, 0]
    of_descendants = targets[0].class_indices >= 1
    assert of_descendants.any()
    assert (gradient[of_descendants] == 0).all()
    assert (gradient[~of_descendants] != 0).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-5)])
def test_losses_of_the_full_head_measure_distances_in_rectified_strides(dtype, tolerance):
    outputs, targets, locations, strides = random_case(6, dtype)
    outputs = outputs._replace(distance_logits=3 * outputs.distance_logits[..., :1])
    losses = fcos_losses(outputs, targets, locations, strides, distances_of=rectified_distances)
    expected = losses_by_loop(outputs, targets, locations, strides, distance=lambda side: max(0.0, float(side[0])))
    assert [float(v) for v in losses] == pytest.approx(expected, rel=tolerance)


def test_a_batch_without_objects_gives_finite_losses_and_no_box_loss():
    outputs, targets, locations, strides = random_case(0, torch.float32)
    losses = fcos_losses(outputs, [targets[1], targets[1]], locations, strides)
    assert torch.isfinite(torch.stack(list(losses))).all()
    assert losses.box == 0
    assert losses.centerness == 0
