"""A head that is right in all its parts learns four painted photos by heart."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import batched_nms

from tests.conftest import REPO_ROOT
from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.full_fcos_head import FullFCOSHead
from training.detector.head import GroundTruth, level_sizes_of
from training.detector.retinanet_head import RetinaNetHead
from training.detector.served_weights import load_served_backbone, load_served_head, newest_graph

CANVAS = (128, 192)
BOXES = [
    [(12, 20, 60, 70, 0), (100, 30, 170, 110, 1)],
    [(30, 10, 110, 90, 1)],
    [(20, 60, 70, 115, 0), (120, 15, 175, 60, 0)],
    [(70, 25, 150, 115, 0), (8, 8, 48, 44, 1)],
]
"""x1, y1, x2, y2, class: rectangles and ellipses."""


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    canvases = []
    for boxes in BOXES:
        image = Image.fromarray(rng.integers(40, 90, (*CANVAS, 3), dtype=np.uint8))
        draw = ImageDraw.Draw(image)
        for *box, kind in boxes:
            (draw.ellipse if kind else draw.rectangle)(box, fill=(230, 60, 60) if kind else (70, 200, 240))
        canvases.append(np.asarray(image))
    return torch.from_numpy(np.stack(canvases))


@pytest.fixture(scope="module")
def features(photos):
    backbone = SharedBackbone().eval()
    load_served_backbone(backbone, newest_graph(REPO_ROOT / "model_repository", "backbone"))
    with torch.no_grad():
        return backbone(photos)


def slim(classified_locations):
    """Start from the served towers, as slim heads do; random ones let the features' small numbers fade."""
    head = FCOSHead(in_channels=128, num_classes=2, classified_locations=classified_locations)
    load_served_head(head, [NEW_CLASS, NEW_CLASS + 1], REPO_ROOT / "model_repository", "head_generic")
    return head


NEW_CLASS = 10**6
HEADS = {
    "slim FCOS": lambda: slim(0),
    "slim FCOS, best locations only": lambda: slim(12),
    "full FCOS": lambda: FullFCOSHead(in_channels=64, num_classes=2, tower_depth=1),
    "RetinaNet": lambda: RetinaNetHead(in_channels=64, num_classes=2),
}


@pytest.mark.parametrize("name", HEADS)
def test_one_batch_is_learnt_to_an_AP50_of_1(name, features):
    torch.manual_seed(0)
    head = HEADS[name]()
    features = tuple(f[:, : head.in_channels] for f in features)
    truth = GroundTruth(
        boxes_per_image=[torch.tensor([box[:4] for box in boxes], dtype=torch.float32) for boxes in BOXES],
        class_indices_per_image=[torch.tensor([box[4] for box in boxes]) for boxes in BOXES],
    )
    optimizer = torch.optim.AdamW(head.parameters(), lr=2e-3)
    for step in range(200):
        losses = head.losses(head(features), level_sizes_of(features), truth)
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
        optimizer.step()
        if step % 25 == 24 and _AP50(head, features) == pytest.approx(1.0):
            return
    assert _AP50(head, features) == pytest.approx(1.0)


@torch.no_grad()
def _AP50(head, features):
    head.eval()
    found = head.detect(features, torch.tensor([1, 2], dtype=torch.int32))
    head.train()
    results = []
    for image in range(len(BOXES)):
        keep = batched_nms(found.boxes()[image], found.scores[image], found.class_ids[image], 0.6)[:20]
        for row in keep[found.scores[image, keep] > 0.05].tolist():
            x1, y1, x2, y2 = found.boxes()[image, row].tolist()
            results.append(
                {
                    "image_id": image,
                    "category_id": int(found.class_ids[image, row]),
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "score": float(found.scores[image, row]),
                }
            )
    if not results:
        return 0.0
    truth = COCO()
    truth.dataset = {
        "images": [{"id": k} for k in range(len(BOXES))],
        "categories": [{"id": 1, "name": "rectangle"}, {"id": 2, "name": "ellipse"}],
        "annotations": [
            {
                "id": 10 * k + m + 1,
                "image_id": k,
                "category_id": kind + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
            }
            for k, boxes in enumerate(BOXES)
            for m, (x1, y1, x2, y2, kind) in enumerate(boxes)
        ],
        "info": {},
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[1])
