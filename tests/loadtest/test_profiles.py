import subprocess
import sys

import pytest

from loadtest.profiles import PROFILES, points


def test_the_six_profiles_are_there():
    assert set(PROFILES) == {"steady", "ramp", "spike", "soak", "overload", "camera"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_shares_of_a_profile_add_up_to_the_whole(profile):
    assert sum(segment.share for segment in profile.segments) == pytest.approx(1)
    assert all(segment.share > 0 for segment in profile.segments)
    assert any(segment.is_judged for segment in profile.segments)


def test_the_ramp_rises():
    assert PROFILES["ramp"].segments[0].start < PROFILES["ramp"].segments[0].end


def test_an_overload_is_not_judged_but_what_comes_after_it_is():
    segments = PROFILES["overload"].segments
    assert [segment.is_judged for segment in segments] == [True, False, False, True]
    assert not max(segments, key=lambda segment: segment.start).is_judged


def test_points_are_in_seconds_and_requests_per_second():
    assert list(points(PROFILES["spike"], rate_per_s=10, duration_s=100)) == [
        (45, 10, 10, True),
        (10, 30, 30, True),
        (45, 10, 10, True),
    ]


def test_the_table_imports_nothing_heavy():
    heavy = {"numpy", "scipy", "rich", "grpc", "locust"}
    code = f"import loadtest.profiles, sys; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
