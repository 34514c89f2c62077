import numpy as np
import pytest

from training.embedder.after_training.errors import AugmentationError
from training.embedder.after_training.match_products import accepted, nearest_known


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_each_candidate_is_matched_with_the_nearest_known_crop_by_squared_distance():
    random = np.random.default_rng(0)
    candidates, known = unit(random.standard_normal((7, 5))), unit(random.standard_normal((4, 5)))

    matches = nearest_known(candidates, known)

    for match in matches:
        distances = [sum((a - b) ** 2 for a, b in zip(candidates[match.candidate], k, strict=True)) for k in known]
        assert match.known == int(np.argmin(distances))
        assert match.distance == pytest.approx(min(distances), abs=1e-5)


def test_only_matches_below_the_distance_are_taken_nearest_first():
    known = unit([[1, 0]])
    cosines = (0.5, 0.95, 0.91, 0.89, 1.0)
    candidates = unit([[c, np.sqrt(1 - c * c)] for c in cosines])

    taken = accepted(nearest_known(candidates, known))

    assert [match.candidate for match in taken] == [4, 1, 2]  # 2 - 2 cos below 0.2


def test_no_candidate_gives_no_match_and_no_known_crop_is_an_error():
    assert nearest_known(np.zeros((0, 5), np.float32), unit([[1, 0, 0, 0, 0]])) == []
    with pytest.raises(AugmentationError, match="no known product"):
        nearest_known(unit([[1, 0]]), np.zeros((0, 2), np.float32))
    with pytest.raises(AugmentationError, match="above 0 and at most 4"):
        accepted([], max_distance=0)
