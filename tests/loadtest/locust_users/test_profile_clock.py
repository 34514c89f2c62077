import pytest

from loadtest.locust_users.profile_clock import ProfileClock
from loadtest.profiles import PROFILES


def clock(profile, **changes):
    values = {"rate_per_s": 10.0, "duration_s": 100.0, "warmup_s": 5.0, "per_user_per_s": 1.0}
    return ProfileClock(profile=profile, **values | changes)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_has_users_until_it_is_over(profile):
    users = [clock(profile).users_at(second) for second in range(105)]
    assert min(users) >= 1
    assert max(users) == 10 * PROFILES[profile].peak
    assert clock(profile).users_at(105.0) is None


def test_a_spike_comes_at_once_and_goes():
    spike = clock("spike")
    assert [spike.users_at(second) for second in (0, 5, 49.9, 50.1, 59.9, 60.1)] == [10, 10, 10, 30, 30, 10]


def test_a_ramp_climbs():
    ramp = clock("ramp")
    users = [ramp.users_at(second) for second in range(5, 105)]
    assert users == sorted(users)
    assert (users[0], users[-1]) == (1, 10)


def test_warmup_and_what_the_profile_leaves_out_are_not_judged():
    overload = clock("overload")
    judged = [second for second in range(110) if overload.is_judged(second + 0.5)]
    assert judged == [*range(5, 35), *range(70, 105)]
    assert overload.judged_s(200.0) == pytest.approx(65)
    assert overload.asked_for(200.0) == pytest.approx(650)
    assert overload.judged_s(20.0) == pytest.approx(15)


def test_without_a_profile_everything_after_the_warmup_is_judged():
    free = clock(None, rate_per_s=0.0, duration_s=0.0)
    assert [free.is_judged(second) for second in (4.9, 5.0, 10_000)] == [False, True, True]
    assert free.judged_s(12.0) == pytest.approx(7)
    assert free.asked_for(12.0) is None


def test_fewer_users_make_the_rate_where_each_asks_more_often():
    assert clock("camera", per_user_per_s=5.0).users_at(50) == 2
    assert clock("camera", rate_per_s=11.0, per_user_per_s=5.0).users_at(50) == 3
