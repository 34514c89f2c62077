import numpy as np
import pytest
import torch

from training.embedder.export.calibrated_scores import CalibratedScores


@pytest.mark.parametrize(
    ("scores", "probabilities"),
    [
        ([0.1, 0.4, 0.9], [0.0, 0.7, 1.0]),
        ([0.0, 1.0], [0.0, 1.0]),
        ([0.5], [0.3]),
        ([0.2, 0.21, 0.8, 0.99], [0.1, 0.5, 0.5, 0.6]),
    ],
)
def test_it_is_numpy_s_interpolation(scores, probabilities):
    at = np.linspace(0, 1, 101, dtype=np.float32)
    calibrated = CalibratedScores(scores, probabilities)(torch.from_numpy(at))
    np.testing.assert_allclose(calibrated.numpy(), np.interp(at, scores, probabilities), atol=1e-6)


def test_of_equal_scores_the_last_counts():
    calibrated = CalibratedScores([0.0, 0.5, 0.5, 1.0], [0.0, 0.2, 0.6, 1.0])
    np.testing.assert_allclose(calibrated(torch.tensor([0.5, 1.0])).numpy(), [0.6, 1.0], atol=1e-6)


@pytest.mark.parametrize(("scores", "probabilities"), [([], []), ([0.2, 0.1], [0, 1]), ([0.1], [0.1, 0.2])])
def test_what_is_no_calibration_is_refused(scores, probabilities):
    with pytest.raises(ValueError, match="one or more ascending scores"):
        CalibratedScores(scores, probabilities)
