import numpy as np

from training.embedder.after_training.head_predictions import head_predictions


def test_the_best_labels_of_crops_with_a_known_label_are_collected():
    probabilities = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4], [0.5, 0.2, 0.3]], np.float32)

    found = head_predictions(probabilities, [("b",), (), ("c", "a")], ["a", "b", "c"], best=2)

    np.testing.assert_allclose(found.scores, [0.7, 0.2, 0.5, 0.3], rtol=1e-6)
    assert found.is_right.tolist() == [True, False, True, True]
    assert found.crop.tolist() == [0, 0, 2, 2]
    assert found.is_best.tolist() == [True, False, True, False]


def test_a_head_with_fewer_labels_gives_them_all_and_no_known_crop_gives_nothing():
    probabilities = np.array([[0.1, 0.9]], np.float32)

    assert len(head_predictions(probabilities, [("a",)], ["a", "b"]).scores) == 2
    assert len(head_predictions(probabilities, [()], ["a", "b"]).scores) == 0
