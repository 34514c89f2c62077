import json

import pytest

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.profile_edits import apply_edit
from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import Calibration, ServiceProfile
from tests.loadtest.capacity.profiles import detect_like


def test_a_saved_profile_is_read_back_the_same(tmp_path):
    profile = ServiceProfile(
        stages=detect_like(cv=0.25, efficiency=0.9).stages,
        resources=detect_like(efficiency=0.9).resources,
        shape_shares=(0.7, 0.3),
        source="a test",
        calibration=(Calibration(callers=4, measured_per_s=30.5, simulated_per_s=31.0),),
    )
    profile.save(tmp_path / "folder/profile.json")
    assert ServiceProfile.from_json(json.loads((tmp_path / "folder/profile.json").read_text())) == profile


def test_a_profile_written_by_hand_needs_only_names_and_times():
    document = {
        "kind": "service profile",
        "schema_version": 1,
        "resources": {"cpu": {"capacity": 4}},
        "stages": [{"name": "all", "elapsed_ms": {"fixed_ms": 1, "per_item_ms": 2}, "max_batch": 4}],
    }
    (stage,) = ServiceProfile.from_json(document).stages
    assert (stage.elapsed_ms(1), stage.elapsed_ms(4), stage.demand(2)) == (3, 9, 1)


def test_a_curve_follows_its_points_and_their_last_line():
    curve = ServiceCurve(((1, 10.0), (2, 30.0), (4, 90.0)))
    assert [curve(b) for b in (1, 2, 3, 4, 6)] == [10, 30, 60, 90, 150]


def test_a_curve_of_one_point_is_proportional():
    assert ServiceCurve(((2, 10.0),))(6) == 30


@pytest.mark.parametrize("value", [{}, {"1": "fast"}, {"0": 3}, 12, {"1": -1}, {"1": True}])
def test_what_is_no_curve_is_refused(value):
    with pytest.raises(ProfileError, match="curve"):
        ServiceCurve.from_json(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "report"}, "no service profile"),
        ({"schema_version": 2}, "schema_version must be 1"),
        ({"stages": []}, "at least one stage"),
        ({"resources": {}}, "works on 'cpu'"),
        ({"shape_shares": [0.5, 0.2]}, "add up to 1"),
        ({"resources": {"cpu": {"capacity": 2, "cores": 2}}}, "cannot be read"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(change, message):
    with pytest.raises(ProfileError, match=message):
        ServiceProfile.from_json({**detect_like().to_json(), **change})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("instances", 0, "'backbone': instances must be 1 or more"),
        ("max_batch", 0, "max_batch must be 1 or more, got 0"),
        ("preferred_batch_sizes", [99], "between 1 and max_batch"),
        ("cv", -1, "cv must be 0 or more"),
        ("distribution", "normal", "lognormal or gamma"),
        ("after", ["nobody"], "do not stand before it"),
        ("name", "preprocess", "stands twice"),
        ("speed", 3, "no field"),
    ],
)
def test_a_stage_that_cannot_be_used_says_which_and_why(field, value, message):
    document = detect_like().to_json()
    document["stages"][1][field] = value
    with pytest.raises(ProfileError, match=message):
        ServiceProfile.from_json(document)


def test_a_missing_field_is_named():
    document = detect_like().to_json()
    del document["stages"][0]["elapsed_ms"]
    with pytest.raises(ProfileError, match="lacks the field 'elapsed_ms'"):
        ServiceProfile.from_json(document)


def test_edits_change_one_field():
    profile = apply_edit(detect_like(), "backbone.instances=2")
    assert profile.stage("backbone").instances == 2
    assert apply_edit(profile, "cpu.capacity=8").resources["cpu"].capacity == 8
    curve = apply_edit(profile, 'backbone.elapsed_ms={"1": 9, "2": 12}').stage("backbone").elapsed_ms
    assert curve(2) == 12


def test_a_smaller_largest_batch_drops_preferred_sizes_above_it():
    profile = detect_like().with_stage("backbone", preferred_batch_sizes=(4, 16))
    assert apply_edit(profile, "backbone.max_batch=4").stage("backbone").preferred_batch_sizes == (4,)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("backbone", "STAGE.FIELD=VALUE"),
        ("nobody.instances=2", "no stage or resource 'nobody'"),
        ("backbone.speed=2", "no field 'speed'"),
        ("backbone.instances=many", "like the present one"),
        ("backbone.instances=0", "1 or more"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(edit, message):
    with pytest.raises(ProfileError, match=message):
        apply_edit(detect_like(), edit)
