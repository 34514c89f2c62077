"""COCO's protocol: cases whose answer is plain, pycocotools on random files, and broken files."""

import contextlib
import copy
import io
import math

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.training.evaluation.random_coco_files import random_coco_files, with_ids_from_zero
from training.evaluation import accumulate as accumulate_module
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.errors import DetectionsError, EvaluationError, GroundTruthError

FIELDS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
CAT, CUP = [10, 10, 30, 30], [50, 50, 20, 20]


def ground_truth(annotations, categories=((1, "cat"), (2, "cup")), **fields):
    return {
        "images": [{"id": 1, "width": 100, "height": 100}],
        "categories": [{"id": i, "name": n} for i, n in categories],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": c, "bbox": box, "area": box[2] * box[3], "iscrowd": 0} | fields
            for k, (c, box) in enumerate(annotations, start=1)
        ],
    }


def found(*detections):
    return [{"image_id": 1, "category_id": c, "bbox": box, "score": score} for c, box, score in detections]


def stats_of_pycocotools(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = copy.deepcopy(truth) | {"info": {}}
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes(copy.deepcopy(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


def stats_of(metrics):
    return [-1.0 if math.isnan(getattr(metrics, f)) else getattr(metrics, f) for f in FIELDS]


def test_a_perfect_detector_scores_one():
    metrics = evaluate_coco(ground_truth([(1, CAT), (2, CUP)]), found((1, CAT, 0.9), (2, CUP, 0.9)))
    assert pytest.approx((1, 1, 1)) == (metrics.AP, metrics.AP50, metrics.AP75)
    assert metrics.AP50_per_class == pytest.approx({"cat": 1, "cup": 1})


def test_finding_one_of_two_classes_scores_half():
    metrics = evaluate_coco(ground_truth([(1, CAT), (2, CUP)]), found((1, CAT, 0.9)))
    assert pytest.approx(0.5) == metrics.AP50
    assert metrics.AP50_per_class == pytest.approx({"cat": 1, "cup": 0})


def test_weighted_ap50_counts_a_class_as_often_as_it_has_objects():
    metrics = evaluate_coco(ground_truth([(1, CAT), (1, CUP), (1, [0, 70, 9, 9]), (2, CUP)]), found((2, CUP, 0.9)))
    assert metrics.instances_per_class == {"cat": 3, "cup": 1}
    assert pytest.approx(0.25) == metrics.wAP50
    assert pytest.approx(0.5) == metrics.AP50


def test_no_detections_score_zero_for_every_class_with_objects():
    metrics = evaluate_coco(ground_truth([(2, CUP)]), [])
    assert stats_of(metrics) == [0, 0, 0, 0, -1, -1, 0, 0, 0, 0, -1, -1]
    assert metrics.AP50_per_class == {"cup": 0}


def test_without_objects_there_is_nothing_to_say():
    empty: dict = {"images": [], "categories": [], "annotations": []}
    for truth in (ground_truth([]), empty):
        assert stats_of(evaluate_coco(truth, [])) == [-1] * 12
    metrics = evaluate_coco(ground_truth([]), found((1, CAT, 0.9)))
    assert metrics.as_dict()["AP"] is None
    assert metrics.as_dict()["wAP50"] is None


@pytest.mark.parametrize("seed", range(12))
def test_random_files_give_what_pycocotools_gives(seed):
    truth, results = random_coco_files(seed)
    assert stats_of(evaluate_coco(truth, results)) == pytest.approx(stats_of_pycocotools(truth, results), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_it_makes_no_difference_how_many_classes_are_accumulated_at_once(seed, monkeypatch):
    truth, results = random_coco_files(seed)
    expected = stats_of(evaluate_coco(truth, results))
    monkeypatch.setattr(accumulate_module, "PAIRS_AT_ONCE", 1)
    assert stats_of(evaluate_coco(truth, results)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_ids_from_zero_ids_as_text_and_annotations_without_ids_count_like_any_other(seed):
    truth, results = random_coco_files(seed)
    expected = stats_of(evaluate_coco(truth, results))
    lowered, lowered_results = with_ids_from_zero(truth, results)
    assert stats_of(evaluate_coco(lowered, lowered_results)) == expected
    without = lowered | {"annotations": [{k: v for k, v in a.items() if k != "id"} for a in lowered["annotations"]]}
    assert stats_of(evaluate_coco(without, lowered_results)) == expected
    named = copy.deepcopy(truth), copy.deepcopy(results)
    for record in (*named[0]["images"], *named[0]["categories"]):
        record["id"] = f"{record['id']:03d}"
    for record in (*named[0]["annotations"], *named[1]):
        record |= {"image_id": f"{record['image_id']:03d}", "category_id": f"{record['category_id']:03d}"}
    assert stats_of(evaluate_coco(*named)) == expected


def test_a_crowd_takes_in_any_number_of_detections_and_is_no_object():
    truth = ground_truth([(1, CAT), (1, [50, 0, 50, 50])])
    truth["annotations"][1]["iscrowd"] = 1
    inside = [(1, [55 + step, 5, 10, 10], 0.95) for step in range(5)]
    metrics = evaluate_coco(truth, found(*inside, (1, CAT, 0.9)))
    assert pytest.approx(1) == metrics.AP
    assert metrics.instances_per_class == {"cat": 1}


def test_an_area_on_the_border_belongs_to_both_ranges():
    metrics = evaluate_coco(ground_truth([(1, [0, 0, 32, 32])]), found((1, [0, 0, 32, 32], 0.9)))
    assert pytest.approx((1, 1)) == (metrics.APs, metrics.APm)
    assert math.isnan(metrics.APl)


def test_of_equal_scores_the_earlier_detection_stands_first():
    truth = ground_truth([(1, CAT)])
    assert pytest.approx(1) == evaluate_coco(truth, found((1, CAT, 0.5), (1, CUP, 0.5))).AP50
    assert pytest.approx(0.5) == evaluate_coco(truth, found((1, CUP, 0.5), (1, CAT, 0.5))).AP50


def test_the_101st_detection_of_a_class_does_not_count():
    wrong = [(1, [60, 60, 5, 5], 0.9)] * 100
    assert evaluate_coco(ground_truth([(1, CAT)]), found(*wrong, (1, CAT, 0.1))).AP50 == 0
    assert evaluate_coco(ground_truth([(1, CAT)]), found(*wrong[1:], (1, CAT, 0.1))).AP50 > 0


def test_area_and_iscrowd_may_be_missing():
    truth = ground_truth([(1, CAT)])
    for key in ("area", "iscrowd", "id"):
        del truth["annotations"][0][key]
    metrics = evaluate_coco(truth, found((1, CAT, 0.9)))
    assert pytest.approx((1, 1)) == (metrics.AP, metrics.APs)


def test_nothing_that_was_given_is_changed():
    truth, results = random_coco_files(3)
    before = copy.deepcopy((truth, results))
    evaluate_coco(truth, results)
    assert (truth, results) == before


def test_two_categories_of_one_name_are_told_apart_by_their_ids():
    metrics = evaluate_coco(ground_truth([(1, CAT), (2, CUP)], ((1, "cat"), (2, "cat"))), found((1, CAT, 0.9)))
    assert metrics.AP50_per_class == pytest.approx({"cat (id 1)": 1, "cat (id 2)": 0})


SQUARE_RUNS = [0, 20, *([80, 20] * 19), 8080]
"""Column by column: 20 pixels in, 80 out."""
SQUARE = [[0, 0, 20, 0, 20, 20, 0, 20]]


@pytest.mark.parametrize(
    "mask",
    [
        SQUARE,
        [[0, 0, 20, 0, 20, 10, 0, 10], [0, 10, 20, 10, 20, 20, 0, 20]],
        {
            "size": [100, 100],
            "counts": np.diff([0, 0, *sorted([100 * c + e for c in range(20) for e in (0, 20)])[1:], 10000]).tolist(),
        },
    ],
    ids=["polygon", "two pieces", "run lengths"],
)
def test_masks_may_be_polygons_pieces_or_run_lengths(mask):
    truth = ground_truth([(1, CAT)], segmentation=SQUARE)
    result = {"image_id": 1, "category_id": 1, "segmentation": mask, "score": 0.9}
    assert pytest.approx(1) == evaluate_coco(truth, [result], iou_type="segm").AP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, "must have a list 'images'"),
        ({"images": [{"width": 3}]}, r"images\[0\] must have an id"),
        ({"images": [{"id": 1}, {"id": 1}]}, r"images\[1\] has id 1, which images\[0\] has too"),
        ({"images": [7]}, r"images\[0\] must be an object"),
        ({"categories": [{"id": 1}]}, "category 1 must have a name"),
        (
            {"annotations": [{"id": 9, "image_id": 5, "category_id": 1, "bbox": CAT}]},
            r"annotations\[0\] \(id 9\): image_id 5",
        ),
        (
            {"annotations": [{"image_id": 1, "category_id": 5, "bbox": CAT}]},
            r"annotations\[0\]: category_id 5 is no category",
        ),
        ({"annotations": [{"category_id": 1, "bbox": CAT}]}, r"annotations\[0\]: it has no image_id"),
        ({"annotations": [{"image_id": [1], "category_id": 1, "bbox": CAT}]}, r"image_id \[1\] is no image"),
        ({"annotations": [{"image_id": 1, "category_id": 1}]}, "neither bbox nor segmentation"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3]}]}, "bbox must be four numbers"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, -1, 1]}]}, "width >= 0"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, math.nan]}]}, "finite"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": CAT, "area": -1}]}, "area must be"),
    ],
)
def test_a_broken_ground_truth_is_refused_by_record(change, message):
    with pytest.raises(GroundTruthError, match=message) as error:
        evaluate_coco(ground_truth([(1, CAT)]) | change, [])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("detection", "message"),
    [
        ({"image_id": 9}, r"detections\[1\] \(image 9\): image_id 9 is no image"),
        ({"category_id": 9}, r"detections\[1\] \(image 1\): category_id 9 is no category"),
        ({"score": None}, "score must be a finite number, got None"),
        ({"score": math.nan}, "score must be a finite number, got nan"),
        ({"score": "high"}, "score must be a finite number, got 'high'"),
        ({"bbox": "0 0 1 1"}, "bbox must be four numbers"),
        ({"bbox": [0, 0, 5, -5]}, "height >= 0"),
        ({"bbox": [0, 0, 5, "5"]}, "bbox must be"),
        ({"bbox": None}, "bbox must be"),
    ],
)
def test_a_broken_detection_is_refused_by_record(detection, message):
    results = found((1, CAT, 0.9), (1, CAT, 0.8))
    results[1] |= detection
    with pytest.raises(DetectionsError, match=message) as error:
        evaluate_coco(ground_truth([(1, CAT)]), results)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mask", ["", [[1, 2]], {"size": [5, 5]}, {"size": [5, 5], "counts": [25]}, [["a"] * 6]])
def test_a_broken_mask_is_refused_by_record(mask):
    truth = ground_truth([(1, CAT)], segmentation=SQUARE)
    results = [{"image_id": 1, "category_id": 1, "segmentation": mask, "bbox": CAT, "score": 0.9}]
    with pytest.raises(EvaluationError, match=r"detections\[0\] \(image 1\)"):
        evaluate_coco(truth, results, iou_type="segm")
