import math
from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.scorecard.random_detections import random_detections, random_truth
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.openimages_protocol import evaluate_openimages
from training.scorecard.photo_matches import ClassMatches, match_photos


@pytest.mark.parametrize("seed", range(4))
def test_AP50_and_wAP50_of_all_photos_once_are_the_evaluators(seed: int) -> None:
    truth = random_truth(seed)
    detections = random_detections(truth, seed)
    expected = evaluate_coco(truth, detections)

    matches = match_photos(truth, detections)

    assert matches.AP50()[0] == pytest.approx(expected.AP50, abs=1e-9)
    assert matches.AP50(is_weighted=True)[0] == pytest.approx(expected.wAP50, abs=1e-9)
    for name, value in matches.AP50_per_class().items():
        assert value[0] == pytest.approx(expected.AP50_per_class[name], abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_area_under_the_curve_is_openimages_figure(seed: int) -> None:
    truth = random_truth(seed)
    truth["annotations"] = [a for a in truth["annotations"] if not a["iscrowd"]]
    detections = random_detections(truth, seed)
    for k, detection in enumerate(detections):  # no ties: the two evaluators order them differently
        detection["score"] += k * 1e-4
    expected = evaluate_openimages(truth, detections)

    matches = match_photos(truth, detections)

    assert matches.AP50(integral="area")[0] == pytest.approx(expected.AP50, abs=1e-9)
    assert matches.AP50(integral="area", is_weighted=True)[0] == pytest.approx(expected.wAP50, abs=1e-9)


def test_a_photo_drawn_twice_counts_as_two_photos() -> None:
    truth = random_truth(7)
    detections = random_detections(truth, 7)
    weights = np.array([[2.0, 0.0] + [1.0] * 10])
    doubled = {**truth, "images": [i for i in truth["images"] if i["id"] != 1] + [{"id": 99}]}
    doubled["annotations"] = [a for a in truth["annotations"] if a["image_id"] != 1]
    doubled["annotations"] += [{**a, "image_id": 99} for a in truth["annotations"] if a["image_id"] == 0]
    also = [d for d in detections if d["image_id"] != 1] + [
        {**d, "image_id": 99} for d in detections if not d["image_id"]
    ]

    # Ties in the score may fall differently when a photo stands elsewhere: break them.
    for k, detection in enumerate(detections):
        detection["score"] += k * 1e-4
    for detection in also:
        twin = next(d for d in detections if d["bbox"] == detection["bbox"])
        detection["score"] = twin["score"]

    weighted = match_photos(truth, detections).AP50(weights)[0]

    assert weighted == pytest.approx(match_photos(doubled, also).AP50()[0], abs=1e-9)


def test_average_precision_is_the_slow_loops() -> None:
    generator = np.random.default_rng(3)
    matches = ClassMatches(
        is_hit=generator.random(40) < 0.5,
        photo=generator.integers(0, 6, 40),
        objects_per_photo=np.array([8.0, 4.0, 0.0, 7.0, 6.0, 5.0]),
    )
    weights = generator.integers(0, 3, (5, 6)).astype(float)

    fast = matches.average_precision(weights)

    slow = [_slow_average_precision(matches, row) for row in weights.tolist()]
    np.testing.assert_allclose(fast, slow, atol=1e-12)


def _slow_average_precision(matches: ClassMatches, weights: Sequence[float]) -> float:
    """COCO's: the mean over 101 recalls of the best precision at that recall or a larger one."""
    objects = sum(w * n for w, n in zip(weights, matches.objects_per_photo, strict=True))
    points, hits, shown = [], 0.0, 0.0
    for is_hit, photo in zip(matches.is_hit, matches.photo, strict=True):
        hits += weights[photo] * is_hit
        shown += weights[photo]
        points.append((hits / objects, hits / max(shown, 1e-300)))
    total = 0.0
    for k_of_100 in np.linspace(0, 1, 101):
        total += max((precision for recall, precision in points if recall >= k_of_100), default=0.0)
    return total / 101


def test_a_class_without_objects_in_the_drawn_photos_does_not_count() -> None:
    truth = random_truth(1, photos=2, classes=2)
    truth["annotations"] = [
        {"id": 1, "image_id": 0, "category_id": 0, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0},
    ]
    found = [{"image_id": 0, "category_id": 0, "bbox": [0, 0, 10, 10], "score": 0.9}]
    matches = match_photos(truth, found)

    assert matches.AP50()[0] == pytest.approx(0.5)
    assert matches.AP50(np.array([[1.0, 0.0]]))[0] == pytest.approx(1.0)
    assert matches.AP50(np.array([[0.0, 1.0]]))[0] == 0.0
    assert matches.AP50(of={"class 1"})[0] == 0.0
    assert math.isnan(matches.AP50(np.array([[0.0, 0.0]]))[0])


def test_no_detections_are_a_zero() -> None:
    truth = random_truth(2)
    assert match_photos(truth, []).AP50()[0] == 0.0
    assert match_photos(truth, []).AP50(integral="area")[0] == 0.0
