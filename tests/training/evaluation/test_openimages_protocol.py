"""OpenImages' protocol: against a slow loop on random files, and rule by rule."""

import numpy as np
import pytest

from tests.training.evaluation.plain_openimages import plain_openimages
from training.evaluation.errors import EvaluationError
from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.openimages_protocol import evaluate_openimages

PARENTS = {"cat": ["pet", "feline"], "lion": ["feline"], "feline": ["animal"], "pet": ["animal"], "dog": ["pet"]}
NAMES = ("animal", "cat", "cup", "dog", "feline", "lion", "pet")


def random_files(seed, *, federated):
    generator = np.random.default_rng(seed)

    def box():
        return [float(v) for v in generator.integers(0, 12, 2)] + [float(v) for v in generator.integers(0, 9, 2)]

    ground_truth: dict[str, list] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": i, "name": n} for i, n in enumerate(NAMES)],
    }
    results, scores = [], iter(generator.permutation(2000) / 2000)
    for image_id in range(6):
        image: dict = {"id": image_id}
        if federated and generator.random() < 0.8:
            image["verified_category_ids"] = generator.choice(7, generator.integers(0, 4), replace=False).tolist()
        ground_truth["images"].append(image)
        for _ in range(generator.integers(0, 6)):
            x, y, w, h = box()
            ground_truth["annotations"].append(
                {
                    "image_id": image_id,
                    "category_id": int(generator.integers(7)),
                    "bbox": [x, y, w + 1, h + 1],
                    "is_group_of": int(generator.random() < 0.3),
                }
            )
        mine = [a for a in ground_truth["annotations"] if a["image_id"] == image_id]
        for _ in range(generator.integers(0, 14)):
            near = mine[generator.integers(len(mine))] if mine and generator.random() < 0.7 else None
            x, y, w, h = near["bbox"] if near else box()
            shift, other = generator.integers(-1, 2, 2), int(generator.integers(7))
            results.append(
                {
                    "image_id": image_id,
                    "category_id": near["category_id"] if near and generator.random() < 0.7 else other,
                    "bbox": [x + float(shift[0]), y + float(shift[1]), w, h],
                    "score": float(next(scores)),
                }
            )
    return ground_truth, results


@pytest.mark.parametrize("federated", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("parents", [{}, PARENTS], ids=["flat", "hierarchy"])
def test_random_files_give_what_a_slow_loop_gives(federated, weight, parents):
    hierarchy = ClassHierarchy.from_parents(parents) if parents else None
    for seed in range(15):
        ground_truth, results = random_files(seed, federated=federated)
        expected = plain_openimages(ground_truth, results, parents=parents, weight=weight)
        metrics = evaluate_openimages(ground_truth, results, hierarchy=hierarchy, group_of_weight=weight)
        assert metrics.AP50_per_class == pytest.approx(expected, abs=1e-12), seed
        assert pytest.approx(np.mean(list(expected.values())), abs=1e-12) == metrics.AP50


CATEGORIES = [{"id": 0, "name": "cat"}, {"id": 1, "name": "animal"}, {"id": 2, "name": "cup"}]
HIERARCHY = ClassHierarchy.from_parents({"cat": ["animal"]})
BOX, ELSEWHERE, FAR = [0, 0, 10, 10], [50, 50, 10, 10], [200, 0, 10, 10]


def files(objects, found, **image):
    return (
        {
            "images": [{"id": 0, **image}],
            "categories": CATEGORIES,
            "annotations": [
                {"id": i, "image_id": 0, "category_id": k, "bbox": box, "is_group_of": g}
                for i, (k, box, g) in enumerate(objects)
            ],
        },
        [{"image_id": 0, "category_id": k, "bbox": box, "score": score} for k, box, score in found],
    )


def test_a_cat_is_also_an_animal_to_find_and_detections_must_say_so():
    ground_truth, results = files([(0, BOX, 0)], [(0, BOX, 0.9)])
    metrics = evaluate_openimages(ground_truth, results, hierarchy=HIERARCHY)
    assert metrics.AP50_per_class == {"cat": 1.0, "animal": 0.0}
    metrics = evaluate_openimages(ground_truth, results, hierarchy=HIERARCHY, expand_detections=True)
    assert metrics.AP50_per_class == {"cat": 1.0, "animal": 1.0}
    assert evaluate_openimages(ground_truth, results).AP50_per_class == {"cat": 1.0}


def test_propagating_labels_raises_weighted_ap50_in_federated_evaluation_too():
    objects, found = [(0, BOX, 0), (1, ELSEWHERE, 0)], [(0, BOX, 0.9), (1, ELSEWHERE, 0.8), (2, BOX, 0.7)]
    ground_truth, results = files(objects, found, verified_category_ids=[0])
    plain = evaluate_openimages(ground_truth, results, hierarchy=HIERARCHY)
    propagated = evaluate_openimages(ground_truth, [*results, {**results[0], "category_id": 1}], hierarchy=HIERARCHY)
    assert plain.instances_per_class == {"cat": 1, "animal": 2}
    assert pytest.approx((1 * 1 + 2 * 0.5) / 3) == plain.wAP50
    assert propagated.wAP50 == 1


def test_of_a_class_that_nobody_looked_for_a_detection_is_not_counted():
    objects, found = [(0, BOX, 0), (2, BOX, 0)], [(0, BOX, 0.5), (0, BOX, 0.4), (2, ELSEWHERE, 0.9)]
    ground_truth, results = files(objects, found)
    other = {"id": 1, "verified_category_ids": [0]}
    ground_truth["images"].append(other)
    unseen = {"image_id": 1, "category_id": 2, "bbox": BOX, "score": 1.0}
    known = {"image_id": 1, "category_id": 0, "bbox": BOX, "score": 1.0}
    assert evaluate_openimages(ground_truth, [*results, unseen]).AP50_per_class["cat"] == 1
    assert evaluate_openimages(ground_truth, [*results, known]).AP50_per_class["cat"] == 0.5
    other["verified_category_ids"] = []
    assert evaluate_openimages(ground_truth, [*results, known]).AP50_per_class["cat"] == 1
    del other["verified_category_ids"]  # nowhere: all classes are known everywhere
    assert evaluate_openimages(ground_truth, [*results, known]).AP50_per_class["cat"] == 0.5


def test_where_there_is_no_animal_a_cat_is_wrong():
    ground_truth, results = files([(0, BOX, 0)], [(0, BOX, 0.5)], verified_category_ids=[])
    ground_truth["images"].append({"id": 1, "verified_category_ids": [1]})
    results.append({"image_id": 1, "category_id": 0, "bbox": BOX, "score": 0.9})
    assert evaluate_openimages(ground_truth, results).AP50_per_class["cat"] == 1  # not known without a hierarchy
    assert evaluate_openimages(ground_truth, results, hierarchy=HIERARCHY).AP50_per_class["cat"] == 0.5


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0)])
def test_any_number_of_detections_inside_a_group_is_right_once(weight, expected):
    group = [0, 0, 100, 100]
    objects, found = (
        [(0, group, 1), (0, FAR, 0)],
        [(0, BOX, 0.9), (0, ELSEWHERE, 0.8), (0, FAR, 0.7)],
    )
    metrics = evaluate_openimages(*files(objects, found), group_of_weight=weight)
    assert metrics.AP50_per_class == {"cat": expected}
    assert metrics.instances_per_class == {"cat": 1 + weight}


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 1.0), (0.5, 1 / 1.5), (1.0, 0.5)])
def test_a_group_that_nobody_finds_is_missed_as_far_as_it_counts(weight, expected):
    objects = [(0, [300, 300, 100, 100], 1), (0, BOX, 0)]
    assert pytest.approx(expected) == evaluate_openimages(*files(objects, [(0, BOX, 0.9)]), group_of_weight=weight).AP50


def test_a_class_of_groups_alone_has_no_ap_at_weight_0():
    metrics = evaluate_openimages(*files([(0, BOX, 1)], [(0, BOX, 0.9)]), group_of_weight=0)
    assert metrics.AP50_per_class == {}
    assert metrics.as_dict()["AP50"] is None


def test_crowd_regions_are_groups_where_the_file_does_not_say_otherwise():
    ground_truth, results = files([(0, [0, 0, 100, 100], 0), (0, FAR, 0)], [(0, BOX, 0.9), (0, FAR, 0.7)])
    assert evaluate_openimages(ground_truth, results).AP50 == 0.25
    ground_truth["annotations"][0]["iscrowd"] = 1
    assert evaluate_openimages(ground_truth, results).AP50 == 0.25  # is_group_of is 0 there
    del ground_truth["annotations"][0]["is_group_of"]
    assert evaluate_openimages(ground_truth, results).AP50 == 1


def test_ties_go_to_the_earlier_detection_so_that_the_answer_is_the_same_every_time():
    ground_truth, results = files([(0, BOX, 0)], [(0, BOX, 0.5), (0, ELSEWHERE, 0.5)])
    assert evaluate_openimages(ground_truth, results).AP50 == 1
    assert evaluate_openimages(ground_truth, results[::-1]).AP50 == 0.5


def test_no_detections_score_0_and_no_objects_score_nothing():
    assert evaluate_openimages(*files([(0, BOX, 0)], [])).AP50 == 0
    assert np.isnan(evaluate_openimages(*files([], [(0, BOX, 0.9)])).AP50)
    assert np.isnan(evaluate_openimages(*files([], [])).wAP50)
    empty: dict = {"images": [], "annotations": [], "categories": []}
    assert evaluate_openimages(empty, []).AP50_per_class == {}


@pytest.mark.parametrize("weight", [-0.1, 1.5, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(weight):
    with pytest.raises(EvaluationError, match="group-of weight must be from 0 to 1"):
        evaluate_openimages(*files([], []), group_of_weight=weight)
