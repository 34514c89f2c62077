"""RetinaNet's head against torchvision's with the same weights, and its losses against plain loops from the papers."""

import math

import pytest
import torch
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.image_list import ImageList

from training.detector.head import GroundTruth
from training.detector.retinanet_head import RetinaNetHead, RetinaNetOutputs

CLASSES, CHANNELS = 5, 16
CANVAS = (128, 256)
SIZES = [(CANVAS[0] // s, CANVAS[1] // s) for s in (8, 16, 32, 64, 128)]


class Pyramid(torch.nn.Module):
    out_channels = CHANNELS


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, CHANNELS, h, w, generator=generator) for h, w in SIZES)


@pytest.fixture
def pair():
    torch.manual_seed(0)
    theirs = RetinaNet(Pyramid(), CLASSES)
    for parameter in theirs.head.parameters():
        torch.nn.init.normal_(parameter, std=0.04)  # no score so near 1 that it ties
    ours = RetinaNetHead(in_channels=CHANNELS, num_classes=CLASSES)
    ours.load_state_dict(theirs.head.state_dict())
    return ours.eval(), theirs.eval()


def anchors_of(theirs, features):
    return theirs.anchor_generator(ImageList(torch.zeros(2, 3, *CANVAS), [CANVAS, CANVAS]), list(features))


def objects(count=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * torch.tensor([180.0, 80.0])
    sides = torch.rand(count, 2, generator=generator) * torch.tensor([70.0, 45.0]) + 8
    return torch.cat([corners, corners + sides], dim=1), torch.randint(0, CLASSES, (count,), generator=generator)


def test_anchors_logits_and_boxes_are_torchvisions(pair, features):
    ours, theirs = pair
    anchors = anchors_of(theirs, features)
    torch.testing.assert_close(ours.anchors(SIZES, torch.device("cpu")), anchors[0])
    with torch.no_grad():
        got, expected = ours(features), theirs.head(list(features))
        found = ours.detect(features, torch.arange(CLASSES, dtype=torch.int32))
    torch.testing.assert_close(got.class_logits, expected["cls_logits"])
    torch.testing.assert_close(got.box_regression, expected["bbox_regression"])
    for image in range(2):
        best = expected["cls_logits"][image].sigmoid().flatten().topk(1000)
        torch.testing.assert_close(found.scores[image], best.values)
        boxes = theirs.box_coder.decode_single(expected["bbox_regression"][image], anchors[image])
        for row in range(0, 1000, 50):
            anchor, class_index = divmod(int(best.indices[row]), CLASSES)
            assert found.class_ids[image, row] == class_index
            torch.testing.assert_close(found.boxes()[image, row], boxes[anchor], atol=1e-3, rtol=1e-5)
    assert (found.distances >= 0).all()


def test_losses_of_one_image_are_torchvisions(pair, features):
    """Of several, torchvision averages the images' losses; ours divides by the anchors of the whole batch, as FCOS."""
    ours, theirs = pair
    boxes, labels = objects()
    one = [f[:1] for f in features]
    outputs = theirs.head(one)
    expected = theirs.compute_loss([{"boxes": boxes, "labels": labels}], outputs, anchors_of(theirs, features)[:1])
    got = ours.losses(ours(tuple(one)), SIZES, GroundTruth(boxes_per_image=[boxes], class_indices_per_image=[labels]))
    torch.testing.assert_close(got["classification"], expected["classification"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(got["box"], expected["bbox_regression"], rtol=1e-4, atol=1e-5)


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def match_by_loop(anchors, boxes):
    """RetinaNet, section 4: 0.5 and above the object, below 0.4 background, between neither; each object its best."""
    table = [[iou(anchor, box) for box in boxes] for anchor in anchors]
    best_of_object = [max(row[j] for row in table) for j in range(len(boxes))]
    matches = []
    for row in table:
        best = row.index(max(row))
        if row[best] >= 0.5 or any(row[j] == best_of_object[j] and best_of_object[j] > 0 for j in range(len(boxes))):
            matches.append(best)
        else:
            matches.append(-1 if row[best] < 0.4 else -2)
    return matches


def losses_by_loop(outputs, anchors, truth):
    matches = [
        match_by_loop(anchors, boxes.tolist()) if len(boxes) else [-1] * len(anchors) for boxes in truth.boxes_per_image
    ]
    positives = max(1, sum(match >= 0 for of_image in matches for match in of_image))
    focal = box = 0.0
    for image, of_image in enumerate(matches):
        for k, match in enumerate(of_image):
            if match == -2:
                continue
            label = int(truth.class_indices_per_image[image][match]) if match >= 0 else -1
            for c in range(CLASSES):
                if c != label and truth.class_is_known is not None and not truth.class_is_known[image, c]:
                    continue
                if label >= 0 and truth.is_ancestor is not None and truth.is_ancestor[label, c]:
                    continue
                p = 1 / (1 + math.exp(-float(outputs.class_logits[image, k, c])))
                # Focal loss, equation 5, alpha 0.25 and gamma 2
                focal -= 0.25 * (1 - p) ** 2 * math.log(p) if c == label else 0.75 * p**2 * math.log(1 - p)
            if match >= 0:
                x1, y1, x2, y2 = anchors[k]
                a1, b1, a2, b2 = truth.boxes_per_image[image][match].tolist()
                wanted = (
                    ((a1 + a2) - (x1 + x2)) / 2 / (x2 - x1),
                    ((b1 + b2) - (y1 + y2)) / 2 / (y2 - y1),
                    math.log((a2 - a1) / (x2 - x1)),
                    math.log((b2 - b1) / (y2 - y1)),
                )
                regression = outputs.box_regression[image, k].tolist()
                box += sum(abs(r - w) for r, w in zip(regression, wanted, strict=True))
    return focal / positives, box / positives


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-5)])
@pytest.mark.parametrize("is_masked", [False, True])
def test_losses_equal_a_loop_from_the_papers(dtype, tolerance, is_masked):
    head = RetinaNetHead(in_channels=CHANNELS, num_classes=CLASSES)
    sizes = [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1)]
    anchors = head.anchors(sizes, torch.device("cpu"))
    generator = torch.Generator().manual_seed(3)
    outputs = RetinaNetOutputs(
        torch.randn(2, len(anchors), CLASSES, generator=generator).to(dtype),
        torch.randn(2, len(anchors), 4, generator=generator).to(dtype),
    )
    boxes = torch.tensor([[4.0, 6.0, 39.0, 44.0], [20.0, 10.0, 60.0, 58.0], [1.0, 40.0, 9.0, 46.0]])
    is_ancestor = torch.zeros(CLASSES, CLASSES, dtype=torch.bool)
    is_ancestor[1, 0] = True
    truth = GroundTruth(
        boxes_per_image=[boxes, boxes[:0]],
        class_indices_per_image=[torch.tensor([1, 3, 0]), torch.zeros(0, dtype=torch.int64)],
        class_is_known=torch.rand(2, CLASSES, generator=generator) < 0.6 if is_masked else None,
        is_ancestor=is_ancestor if is_masked else None,
    )
    losses = head.losses(outputs, sizes, truth)
    expected = losses_by_loop(outputs, anchors.tolist(), truth)
    assert [float(losses["classification"]), float(losses["box"])] == pytest.approx(expected, rel=tolerance)


def test_a_batch_without_objects_gives_finite_losses_and_no_box_loss(pair, features):
    ours, _ = pair
    nothing = GroundTruth(
        boxes_per_image=[torch.zeros(0, 4)] * 2, class_indices_per_image=[torch.zeros(0, dtype=torch.int64)] * 2
    )
    losses = ours.losses(ours(features), SIZES, nothing)
    assert torch.isfinite(torch.stack(list(losses.values()))).all()
    assert losses["box"] == 0
