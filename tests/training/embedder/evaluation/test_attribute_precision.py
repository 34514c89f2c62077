import math

from training.embedder.evaluation.attribute_precision import attribute_precision


def test_the_best_label_must_hold_and_crops_of_unknown_label_do_not_count() -> None:
    found = attribute_precision(
        ["red", "red", "blue", "blue", "red"],
        [("red",), ("blue", "red"), ("red",), None, ("mauve",)],
        head_labels=("red", "blue"),
    )

    assert found.precision_at_1 == 2 / 4
    assert (found.num_crops, found.num_foreign) == (4, 1)
    assert found.per_label == {"blue": (1.0, 1), "mauve": (0.0, 1), "red": (2 / 3, 3)}


def test_nothing_known_is_no_figure() -> None:
    assert math.isnan(attribute_precision(["red"], [()], ("red",)).precision_at_1)
