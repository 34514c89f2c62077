import json

import numpy as np
import pytest

from training.embedder.after_training.calibration import (
    Calibration,
    fit_calibration,
    load_calibrations,
    save_calibrations,
)
from training.embedder.after_training.calibration_error import (
    cross_calibrated,
    expected_calibration_error,
    reliability_bins,
)
from training.embedder.after_training.errors import CalibrationError


def overconfident(count, seed):
    """Scores whose true probability is their square."""
    random = np.random.default_rng(seed)
    scores = random.random(count)
    return scores, random.random(count) < scores**2


def slow_isotonic(scores, is_right):
    """Pool adjacent violators: where a mean is not above the one before, both become one."""
    blocks: list[tuple[list[float], list[float]]] = []  # scores, and whether each was right
    for score in sorted(set(scores)):
        blocks.append(([score], [float(r) for s, r in zip(scores, is_right, strict=True) if s == score]))
        while len(blocks) > 1 and np.mean(blocks[-2][1]) >= np.mean(blocks[-1][1]):
            members, rights = blocks.pop()
            blocks[-1] = blocks[-1][0] + members, blocks[-1][1] + rights
    return {score: float(np.mean(rights)) for members, rights in blocks for score in members}


def test_the_map_equals_pooling_adjacent_violators_by_hand():
    scores, is_right = overconfident(60, 0)
    scores = scores.round(2)

    calibration = fit_calibration(scores, is_right)

    expected = slow_isotonic(scores.tolist(), is_right.tolist())
    assert calibration.apply(scores) == pytest.approx([expected[s] for s in scores.tolist()], abs=1e-9)


def test_the_map_never_falls_and_stays_inside_0_and_1():
    calibration = fit_calibration(*overconfident(300, 1))

    values = calibration.apply(np.linspace(0, 1, 1001))

    assert (np.diff(values) >= 0).all()
    assert values.min() >= 0
    assert values.max() <= 1


def test_held_out_scores_become_probabilities():
    calibration = fit_calibration(*overconfident(4000, 2))
    scores, is_right = overconfident(4000, 3)

    before = expected_calibration_error(scores, is_right)
    after = expected_calibration_error(calibration.apply(scores), is_right)

    print(f"expected calibration error {before:.3f} -> {after:.3f}")
    assert before > 0.12
    assert after < 0.03


def test_the_expected_calibration_error_equals_a_slow_loop():
    scores, is_right = overconfident(500, 4)
    scores[:3] = (0.0, 1.0, 0.5)

    total = 0.0
    for b in range(10):
        inside = [i for i in range(500) if b / 10 <= scores[i] < (b + 1) / 10 or (b == 9 and scores[i] == 1)]
        if inside:
            gap = sum(is_right[i] for i in inside) / len(inside) - sum(scores[i] for i in inside) / len(inside)
            total += len(inside) / 500 * abs(gap)
    assert expected_calibration_error(scores, is_right) == pytest.approx(total, abs=1e-12)
    assert sum(b.count for b in reliability_bins(scores, is_right)) == 500


def test_cross_calibration_learns_nothing_from_the_crop_that_it_judges():
    scores, is_right = overconfident(80, 5)
    groups = np.arange(80) // 2

    calibrated = cross_calibrated(scores, is_right, groups)

    for group in range(0, 40, 7):
        own = groups == group
        otherwise = cross_calibrated(scores, np.where(own, ~is_right, is_right), groups)
        np.testing.assert_array_equal(otherwise[own], calibrated[own])
        assert (otherwise[~own] != calibrated[~own]).any()


@pytest.mark.parametrize(
    ("scores", "is_right", "message"),
    [
        ([], [], "no prediction to learn from"),
        ([0.1, 0.9], [True, True], "every one of 2 predictions is right"),
        ([0.1, 0.9], [False, False], "every one of 2 predictions is wrong"),
        ([0.4, 0.4], [False, True], "all 2 scores are 0.4"),
        ([0.1, 1.5], [False, True], "from 0 to 1"),
        ([0.1, float("nan")], [False, True], "from 0 to 1"),
        ([0.1], [False, True], "of one length"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(scores, is_right, message):
    with pytest.raises(CalibrationError, match=message):
        fit_calibration(scores, is_right)


def test_too_few_crops_for_cross_validation_are_refused():
    with pytest.raises(CalibrationError, match="at least 5 held-out crops are needed, got 2"):
        cross_calibrated(np.array([0.1, 0.9]), np.array([False, True]), np.array([0, 1]))


def test_the_file_holds_plain_knots_and_comes_back(tmp_path):
    calibration = fit_calibration(*overconfident(200, 6))

    path = save_calibrations(tmp_path, {"coarse": calibration}, embedder_sha256="abc")

    content = json.loads(path.read_text())
    assert content["version"] == 1
    assert list(content["heads"]["coarse"]) == ["scores", "probabilities"]
    assert load_calibrations(tmp_path, embedder_sha256="abc") == {"coarse": calibration}


def test_a_run_without_a_calibration_has_none_and_a_wrong_file_is_refused(tmp_path):
    assert load_calibrations(tmp_path) == {}
    path = save_calibrations(tmp_path, {"a": Calibration(scores=(0, 1), probabilities=(0, 1))}, embedder_sha256="abc")
    with pytest.raises(CalibrationError, match="before the embedder was trained further"):
        load_calibrations(tmp_path, embedder_sha256="def")

    for wrong in ("{", "[]", '{"version": 2}', '{"version": 1, "heads": {"a": {"scores": [1, 0]}}}'):
        path.write_text(wrong)
        with pytest.raises(CalibrationError, match="holds no calibration"):
            load_calibrations(tmp_path)


def test_knots_that_fall_are_refused():
    with pytest.raises(CalibrationError, match="never fall"):
        Calibration(scores=(0.0, 1.0), probabilities=(0.5, 0.4))
