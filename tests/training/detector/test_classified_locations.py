"""Classifying the best locations only: the same answer where all are classified, 1,000 rows always."""

import math

import pytest
import torch
from torch import nn

from training.detector.classify_locations import classify_locations
from training.detector.fcos_head import FCOSHead
from training.detector.full_fcos_head import FullFCOSHead
from training.detector.head import GroundTruth, level_sizes_of
from training.detector.objectness_loss import objectness_loss

SIZES = [(20, 28), (10, 14), (5, 7), (3, 4), (2, 2)]
EVERYWHERE = 20 * 28


def slim(classified_locations, classes):
    return FCOSHead(in_channels=32, num_classes=classes, classified_locations=classified_locations)


def full(classified_locations, classes):
    return FullFCOSHead(in_channels=32, num_classes=classes, tower_depth=1, classified_locations=classified_locations)


@pytest.fixture(params=[slim, full])
def head_of(request):
    def build(classified_locations, classes=7):
        torch.manual_seed(0)
        head = request.param(classified_locations, classes).eval()
        for parameter in head.parameters():
            nn.init.normal_(parameter, std=0.3)
        return head

    return build


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(2, 32, h, w, generator=generator) for h, w in SIZES)


def as_pairs(candidates, image):
    rows = zip(
        candidates.scores[image].tolist(),
        candidates.boxes()[image].tolist(),
        candidates.class_ids[image].tolist(),
        strict=True,
    )
    return sorted((class_id, [round(v, 1) for v in box]) for score, box, class_id in rows if score > 0)


@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_at_some_locations_is_the_convolution_there(size):
    torch.manual_seed(0)
    conv = nn.Conv2d(5, 4, size, padding=size // 2)
    x = torch.randn(2, 5, 6, 9)
    locations = torch.tensor([[0, 8, 53, 17], [45, 30, 9, 52]])  # corners and edges among them
    expected = conv(x).flatten(2).transpose(1, 2).gather(1, locations.unsqueeze(-1).expand(-1, -1, 4))
    torch.testing.assert_close(classify_locations(conv, x, locations), expected)


def test_with_every_location_classified_the_candidates_are_those_of_the_dense_head(head_of, features):
    sparse, dense = head_of(EVERYWHERE), head_of(0)
    missing, unexpected = dense.load_state_dict(sparse.state_dict(), strict=False)
    assert not missing
    assert all(name.startswith("objectness") for name in unexpected)
    ids = torch.arange(10, 17, dtype=torch.int32)
    with torch.no_grad():
        ours, theirs = sparse.detect(features, ids), dense.detect(features, ids)
    torch.testing.assert_close(ours.scores, theirs.scores)
    for image in range(2):
        found, expected = as_pairs(ours, image), as_pairs(theirs, image)
        # Where two tie for the last row, either is right.
        assert sum(pair not in expected for pair in found) <= 1


def test_the_short_way_gives_what_selecting_from_dense_outputs_gives(head_of, features):
    head, ids = head_of(30), torch.arange(7, dtype=torch.int32)
    with torch.no_grad():
        short = head.detect(features, ids)
        long = head.candidates(head(features), level_sizes_of(features), ids)
    torch.testing.assert_close(short.scores, long.scores)
    for image in range(2):
        assert as_pairs(short, image) == as_pairs(long, image)


def test_only_the_best_of_each_level_by_objectness_and_centerness_answer(head_of, features):
    head = head_of(3)
    with torch.no_grad():
        outputs = head(features)
        found = head.detect(features, torch.arange(7, dtype=torch.int32))
    expected = set()
    first = 0
    for (height, width), stride in zip(SIZES, (8, 16, 32, 64, 128), strict=True):
        cells = range(height * width)
        rank = [
            float(outputs.objectness_logits[0, first + k].sigmoid() * outputs.centerness_logits[0, first + k].sigmoid())
            for k in cells
        ]
        best = sorted(cells, key=rank.__getitem__, reverse=True)[:3]
        expected |= {(float(k % width * stride), float(k // width * stride)) for k in best}
        first += height * width
    answered = int((found.scores[0] > 0).sum())
    assert answered == sum(min(3, h * w) for h, w in SIZES) * 7
    assert {tuple(xy) for xy in found.locations[0, :answered].tolist()} == expected


def test_there_are_1000_rows_even_of_few_pairs_and_the_rest_is_zero(head_of, features):
    found = head_of(2).detect(features, torch.arange(1, 8, dtype=torch.int32))
    assert found.scores.shape == (2, 1000)
    pairs = 5 * 2 * 7
    assert (found.scores[:, :pairs] > 0).all()
    assert not found.scores[:, pairs:].any()
    assert not found.class_ids[:, pairs:].any()
    assert not found.distances[:, pairs:].any()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_objectness_learns_the_best_class_by_the_quality_focal_loss(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    objectness = torch.randn(2, 5, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    classes = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    total = target_sum = 0.0
    for image in range(2):
        for k in range(5):
            p = 1 / (1 + math.exp(-float(objectness[image, k].detach())))
            q = max(1 / (1 + math.exp(-c)) for c in classes[image, k].tolist())
            total += -(q * math.log(p) + (1 - q) * math.log(1 - p)) * abs(q - p) ** 2
            target_sum += q
    loss = objectness_loss(objectness, classes)
    assert loss.item() == pytest.approx(total / max(1.0, target_sum), rel=tolerance)
    loss.backward()
    assert classes.grad is None
    assert objectness.grad is not None


def test_a_head_that_learns_objectness_has_a_fourth_loss(head_of, features):
    truth = GroundTruth(
        boxes_per_image=[torch.tensor([[10.0, 10.0, 60.0, 50.0]]), torch.zeros(0, 4)],
        class_indices_per_image=[torch.tensor([2]), torch.zeros(0, dtype=torch.int64)],
    )
    dense, sparse = head_of(0), head_of(5)
    assert list(dense.losses(dense(features), SIZES, truth)) == ["classification", "centerness", "box"]
    losses = sparse.losses(sparse(features), SIZES, truth)
    assert list(losses) == ["classification", "centerness", "box", "objectness"]
    losses["objectness"].backward()
    moved = {name for name, p in sparse.named_parameters() if p.grad is not None and p.grad.any()}
    assert any(name.startswith("objectness") for name in moved)
    assert not {name for name in moved if "classifiers" in name or "cls_logits" in name}
