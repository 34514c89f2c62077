"""Our FCOS against torchvision's with the same weights, on a canvas of a multiple of 128, where the two mean the same.

Elsewhere torchvision divides the canvas by the number of cells: 59 pixels apart on P6 of a 416 pixel side, not 64.
"""

import pytest
import torch
from torchvision.models.detection import FCOS
from torchvision.models.detection.image_list import ImageList

from training.detector.fcos_targets import assign_locations
from training.detector.full_fcos_head import FullFCOSHead
from training.detector.head import GroundTruth, level_sizes_of
from training.detector.locations import pyramid_locations

CLASSES, CHANNELS = 6, 32
CANVAS = (256, 384)
SIZES = [(CANVAS[0] // s, CANVAS[1] // s) for s in (8, 16, 32, 64, 128)]


class Pyramid(torch.nn.Module):
    out_channels = CHANNELS

    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, _images):
        return {str(k): f for k, f in enumerate(self.features)}


@pytest.fixture
def pair():
    """Our head, torchvision's model with the same weights, and the features that both see."""
    generator = torch.Generator().manual_seed(0)
    features = tuple(torch.randn(2, CHANNELS, h, w, generator=generator) for h, w in SIZES)
    torch.manual_seed(0)
    theirs = FCOS(Pyramid(features), CLASSES)
    for parameter in theirs.head.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    ours = FullFCOSHead(in_channels=CHANNELS, num_classes=CLASSES)
    ours.load_state_dict(theirs.head.state_dict())
    return ours.eval(), theirs.eval(), features


def anchors_of(theirs, features):
    images = torch.zeros(2, 3, *CANVAS)
    return theirs.anchor_generator(ImageList(images, [CANVAS, CANVAS]), list(features))


def test_logits_centerness_and_distances_are_torchvisions(pair):
    ours, theirs, features = pair
    with torch.no_grad():
        got, expected = ours(features), theirs.head(list(features))
    torch.testing.assert_close(got.class_logits, expected["cls_logits"])
    torch.testing.assert_close(got.centerness_logits, expected["bbox_ctrness"].squeeze(-1))
    torch.testing.assert_close(ours.distances(got.distance_logits), expected["bbox_regression"])


def test_candidates_are_torchvisions_boxes_and_scores(pair):
    ours, theirs, features = pair
    with torch.no_grad():
        found = ours.detect(features, torch.arange(CLASSES, dtype=torch.int32))
        outputs = theirs.head(list(features))
        anchors = anchors_of(theirs, features)
    boxes = theirs.head.box_coder.decode(outputs["bbox_regression"], torch.stack(anchors))
    scores = (outputs["cls_logits"].sigmoid() * outputs["bbox_ctrness"].sigmoid()).sqrt()
    for image in range(2):
        best = scores[image].flatten().topk(1000)
        torch.testing.assert_close(found.scores[image], best.values)
        for row in range(0, 1000, 50):
            location, class_index = divmod(int(best.indices[row]), CLASSES)
            assert found.class_ids[image, row] == class_index
            torch.testing.assert_close(found.boxes()[image, row], boxes[image, location], atol=1e-3, rtol=1e-5)


def random_boxes(seed, count):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * torch.tensor([300.0, 180.0])
    sides = torch.rand(count, 2, generator=generator) ** 2 * torch.tensor([300.0, 200.0]) + 6
    return torch.cat([corners, corners + sides], dim=1), torch.randint(0, CLASSES, (count,), generator=generator)


@pytest.mark.parametrize("seed", range(4))
def test_targets_are_torchvisions(pair, seed):
    _, theirs, features = pair
    boxes, labels = random_boxes(seed, 12)
    assigned = {}

    def remember(_targets, _outputs, _anchors, matched):
        assigned["object"] = matched[0]
        return {}

    theirs.head.compute_loss = remember
    levels = [h * w for h, w in SIZES]
    theirs.compute_loss([{"boxes": boxes, "labels": labels}], {}, anchors_of(theirs, features)[:1], levels)
    locations, strides = pyramid_locations(SIZES)
    ours = assign_locations(locations, strides, boxes, labels)
    is_object = assigned["object"] >= 0
    assert is_object.sum() > 20
    assert torch.equal(ours.class_indices >= 0, is_object)
    assert torch.equal(ours.class_indices[is_object], labels[assigned["object"][is_object]])
    torch.testing.assert_close(ours.boxes[is_object], boxes[assigned["object"][is_object]])


@pytest.mark.parametrize("seed", range(3))
def test_losses_are_torchvisions_but_for_the_weight_of_boxes(pair, seed):
    """Class and centerness loss agree; the box loss is weighted by centerness, as FCOS's authors do, here only."""
    ours, theirs, features = pair
    boxes, labels = random_boxes(seed, 8)
    targets = [{"boxes": boxes, "labels": labels}, {"boxes": boxes[:0], "labels": labels[:0]}]
    outputs = theirs.head(list(features))
    levels = [h * w for h, w in SIZES]
    expected = theirs.compute_loss(targets, outputs, anchors_of(theirs, features), levels)
    truth = GroundTruth(
        boxes_per_image=[t["boxes"] for t in targets], class_indices_per_image=[t["labels"] for t in targets]
    )
    got = ours.losses(ours(features), level_sizes_of(features), truth)
    torch.testing.assert_close(got["classification"], expected["classification"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(got["centerness"], expected["bbox_ctrness"], rtol=1e-4, atol=1e-5)
    assert got["box"].isfinite()
