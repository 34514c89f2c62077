"""COCO metrics on cases whose answer is plain, and on the committed answers of peers."""

import json

import pytest
from pycocotools.coco import COCO

from training.evaluation.coco_metrics import evaluate_boxes


def ground_truth(annotations, categories=((1, "cat"), (2, "cup"))):
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": 1, "width": 100, "height": 100}],
        "categories": [{"id": i, "name": n} for i, n in categories],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": c, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for k, (c, box) in enumerate(annotations, start=1)
        ],
    }
    coco.createIndex()
    return coco


def test_a_perfect_detector_scores_one():
    boxes = [(1, [10, 10, 30, 30]), (2, [50, 50, 20, 20])]
    detections = [{"image_id": 1, "category_id": c, "bbox": box, "score": 0.9} for c, box in boxes]
    metrics = evaluate_boxes(ground_truth(boxes), detections)
    assert pytest.approx((1, 1, 1)) == (metrics.AP, metrics.AP50, metrics.AP75)
    assert metrics.AP50_per_class == pytest.approx({"cat": 1, "cup": 1})


def test_finding_one_of_two_classes_scores_half():
    boxes = [(1, [10, 10, 30, 30]), (2, [50, 50, 20, 20])]
    detections = [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 30], "score": 0.9}]
    metrics = evaluate_boxes(ground_truth(boxes), detections)
    assert pytest.approx(0.5) == metrics.AP50
    assert metrics.AP50_per_class == pytest.approx({"cat": 1, "cup": 0})


def test_no_detections_score_zero_for_every_class_with_objects():
    metrics = evaluate_boxes(ground_truth([(2, [0, 0, 9, 9])]), [])
    assert metrics.AP50 == 0
    assert metrics.AP50_per_class == {"cup": 0}


def test_the_reference_results_of_cocoapi_are_reproduced(genod_data):
    folder = genod_data / "reference/coco"
    coco = COCO(str(folder / "instances_val2014_100.json"))
    detections = json.loads(next(folder.glob("*fakebbox100*")).read_text())
    expected = json.loads((folder / "expected.json").read_text())["published"]["bbox"]["values"]
    metrics = evaluate_boxes(coco, detections)
    assert pytest.approx(expected["AP_all"], abs=1e-9) == metrics.AP
    assert pytest.approx(expected["AP_50"], abs=1e-9) == metrics.AP50
    assert pytest.approx(expected["AP_75"], abs=1e-9) == metrics.AP75
