import numpy as np
import pytest

from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.openimages_protocol import evaluate_openimages
from training.scorecard.federated_truth import expanded, in_taxonomy_ids, judged_detections, partly_verified
from training.scorecard.photo_matches import match_photos
from training.taxonomy import Taxonomy
from training.taxonomy.category import Category

TAXONOMY = Taxonomy(
    (
        Category(10, "animal"),
        Category(11, "cat", ("animal",)),
        Category(12, "dog", ("animal",)),
        Category(20, "vehicle"),
        Category(21, "car", ("vehicle",)),
    )
)
LEAVES = (11, 12, 21)


def truth_and_detections(seed: int):
    generator = np.random.default_rng(seed)
    images = [{"id": k} for k in range(30)]
    annotations, detections = [], []
    for image in images:
        for _ in range(int(generator.integers(1, 4))):
            category = int(generator.choice(LEAVES))
            box = [float(v) for v in generator.uniform([0, 0, 20, 20], [60, 60, 40, 40])]
            annotations.append(
                {"image_id": image["id"], "category_id": category, "bbox": box, "area": 1.0, "iscrowd": 0}
            )
            found = int(generator.choice([category, category, category, int(generator.choice(LEAVES))]))
            detections.append(
                {
                    "image_id": image["id"],
                    "category_id": found,
                    "bbox": [float(v) for v in np.array(box) + generator.normal(0, 3, 4)],
                    "score": float(generator.random()),
                }
            )
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number
    truth = {"images": images, "annotations": annotations, "categories": []}
    return in_taxonomy_ids(truth, {leaf: leaf for leaf in LEAVES}, TAXONOMY), detections


def propagated(detections):
    return [
        {**d, "category_id": category}
        for d in detections
        for category in (d["category_id"], *TAXONOMY.ancestors(d["category_id"]))
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_propagated", [False, True])
def test_federated_figures_are_those_of_the_openimages_evaluator(seed, is_propagated) -> None:
    truth, detections = truth_and_detections(seed)
    detections = propagated(detections) if is_propagated else detections
    part = partly_verified(truth, TAXONOMY, seed=seed)
    hierarchy = ClassHierarchy.from_parents({category.name: list(category.parents) for category in TAXONOMY})
    expected = evaluate_openimages(part, detections, hierarchy=hierarchy)

    matches = match_photos(expanded(part, TAXONOMY), judged_detections(detections, part, TAXONOMY))

    assert matches.AP50(integral="area")[0] == pytest.approx(expected.AP50, abs=1e-9)
    assert matches.AP50(integral="area", is_weighted=True)[0] == pytest.approx(expected.wAP50, abs=1e-9)


def test_each_seed_verifies_another_part_and_the_same_seed_the_same() -> None:
    truth, _ = truth_and_detections(0)
    first, again, other = (partly_verified(truth, TAXONOMY, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other
    assert 0 < len(first["annotations"]) < len(truth["annotations"])


def test_absent_classes_are_verified_only_where_nothing_below_them_is_present() -> None:
    truth, _ = truth_and_detections(3)
    part = partly_verified(truth, TAXONOMY, seed=0)
    for image in part["images"]:
        present = {a["category_id"] for a in truth["annotations"] if a["image_id"] == image["id"]}
        boxed = {a["category_id"] for a in part["annotations"] if a["image_id"] == image["id"]}
        absent = set(image["verified_category_ids"]) - boxed
        below = {d for category in absent for d in TAXONOMY.descendants(category)}
        assert boxed <= present
        assert not (absent | below) & present
