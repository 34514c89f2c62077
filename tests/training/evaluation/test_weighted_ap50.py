"""Equation 1 of the GenOD paper."""

import math

import pytest

from training.evaluation.weighted_ap50 import weighted_AP50


def test_it_is_the_mean_weighted_by_instances():
    ap, instances = {"cat": 0.5, "cup": 0.9, "dog": 0.1}, {"cat": 10, "cup": 1, "dog": 4, "nobody": 100}
    assert pytest.approx((10 * 0.5 + 1 * 0.9 + 4 * 0.1) / 15) == weighted_AP50(ap, instances)


def test_equal_weights_give_ap50():
    assert pytest.approx(0.5) == weighted_AP50({"a": 0.2, "b": 0.8}, {"a": 3, "b": 3})


def test_classes_without_ap_are_left_out():
    assert weighted_AP50({"a": 0.2, "b": math.nan}, {"a": 3}) == pytest.approx(0.2)
    assert math.isnan(weighted_AP50({}, {}))
    assert math.isnan(weighted_AP50({"a": 0.2}, {"a": 0}))


def test_a_class_without_a_weight_or_with_a_bad_one_is_refused():
    with pytest.raises(ValueError, match="no weight for a"):
        weighted_AP50({"a": 0.2}, {})
    for weight in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="weight of a must be finite"):
            weighted_AP50({"a": 0.2}, {"a": weight})
