"""LVIS's protocol rule by rule; its published numbers are in test_reference_numbers.py."""

import pytest

from tests.training.evaluation.random_coco_files import random_coco_files, with_ids_from_zero
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.errors import GroundTruthError
from training.evaluation.lvis_protocol import evaluate_lvis

BOX, ELSEWHERE = [0, 0, 10, 10], [50, 50, 10, 10]
CATEGORIES = [
    {"id": i, "name": n, "frequency": f} for i, (n, f) in enumerate([("acorn", "r"), ("cat", "c"), ("cup", "f")])
]


def files(objects, detections, categories=CATEGORIES, **second_image):
    """Objects and detections as (image, category, box[, score])."""
    return {
        "images": [{"id": 0, "neg_category_ids": [], "not_exhaustive_category_ids": []}, {"id": 1, **second_image}],
        "categories": categories,
        "annotations": [{"id": n, "image_id": i, "category_id": k, "bbox": b} for n, (i, k, b) in enumerate(objects)],
    }, [{"image_id": i, "category_id": k, "bbox": b, "score": s} for i, k, b, s in detections]


OBJECTS, RIGHT, WRONG = [(0, 1, BOX)], (0, 1, BOX, 0.5), (1, 1, ELSEWHERE, 0.9)


def test_a_class_that_nobody_looked_for_in_an_image_is_not_judged_there():
    assert pytest.approx(1) == evaluate_lvis(*files(OBJECTS, [RIGHT, WRONG])).AP


def test_a_class_that_was_verified_to_be_absent_is_judged():
    assert pytest.approx(0.5) == evaluate_lvis(*files(OBJECTS, [RIGHT, WRONG], neg_category_ids=[1])).AP


def test_where_not_all_objects_of_a_class_are_labelled_what_matches_none_is_not_judged():
    objects = [*OBJECTS, (1, 1, BOX)]
    detections = [RIGHT, WRONG, (1, 1, BOX, 0.4)]
    assert evaluate_lvis(*files(objects, detections)).AP < 0.7
    assert pytest.approx(1) == evaluate_lvis(*files(objects, detections, not_exhaustive_category_ids=[1])).AP


def test_rare_common_and_frequent_classes_stand_by_themselves():
    metrics = evaluate_lvis(*files([*OBJECTS, (0, 2, BOX)], [RIGHT]))
    assert metrics.as_dict()["APr"] is None
    assert pytest.approx((1, 0, 0.5)) == (metrics.APc, metrics.APf, metrics.AP)


@pytest.mark.parametrize(("images", "field"), [(10, "APr"), (11, "APc"), (100, "APc"), (101, "APf")])
def test_where_the_frequency_is_missing_the_number_of_training_images_says_it(images, field):
    categories = [{"id": 1, "name": "cat", "image_count": images}]
    metrics = evaluate_lvis(*files(OBJECTS, [RIGHT], categories)).as_dict()
    assert {key for key in ("APr", "APc", "APf") if metrics[key] is not None} == {field}


def test_a_file_without_frequencies_has_an_ap_all_the_same():
    metrics = evaluate_lvis(*files(OBJECTS, [RIGHT], [{"id": 1, "name": "cat"}])).as_dict()
    assert pytest.approx(1) == metrics["AP"]
    assert {metrics[key] for key in ("APr", "APc", "APf")} == {None}


def test_the_301st_detection_of_an_image_does_not_count_whatever_its_class():
    better = [(0, 2, ELSEWHERE, 0.9)] * 300
    assert evaluate_lvis(*files(OBJECTS, [*better, RIGHT])).AP == 0
    assert pytest.approx(1) == evaluate_lvis(*files(OBJECTS, [*better[1:], RIGHT])).AP


def test_of_equal_scores_the_earlier_detections_are_kept():
    equal = [(0, 2, ELSEWHERE, 0.5)] * 300
    assert evaluate_lvis(*files(OBJECTS, [*equal, RIGHT])).AP == 0
    assert pytest.approx(1) == evaluate_lvis(*files(OBJECTS, [RIGHT, *equal])).AP


@pytest.mark.parametrize("seed", range(4))
def test_with_every_class_verified_everywhere_it_is_coco_s_ap(seed):
    ground_truth, results = with_ids_from_zero(*random_coco_files(seed))
    for image in ground_truth["images"]:
        image["neg_category_ids"] = [category["id"] for category in ground_truth["categories"]]
    coco, lvis = evaluate_coco(ground_truth, results), evaluate_lvis(ground_truth, results)
    assert lvis.AP_per_class == pytest.approx(coco.AP_per_class)
    assert pytest.approx((coco.AP, coco.AP50, coco.wAP50)) == (lvis.AP, lvis.AP50, lvis.wAP50)


def test_no_detections_score_0_and_no_objects_score_nothing():
    assert evaluate_lvis(*files(OBJECTS, [])).AP == 0
    assert evaluate_lvis(*files([], [RIGHT])).as_dict()["AP"] is None


def test_lists_may_name_categories_that_a_file_was_cut_down_by_but_must_be_lists():
    assert pytest.approx(1) == evaluate_lvis(*files(OBJECTS, [RIGHT], neg_category_ids=[77])).AP
    with pytest.raises(GroundTruthError, match="image 1: neg_category_ids must be a list"):
        evaluate_lvis(*files(OBJECTS, [RIGHT], neg_category_ids=77))
    with pytest.raises(GroundTruthError, match="frequency must be r, c or f, got 'rare'"):
        evaluate_lvis(*files(OBJECTS, [RIGHT], [{"id": 1, "name": "cat", "frequency": "rare"}]))
