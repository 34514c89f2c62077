import numpy as np
import pytest
from scipy import stats

from loadtest.arrivals import RateLine, camera_arrivals, draw_arrivals, poisson_arrivals, rate_lines
from loadtest.errors import UsageError
from loadtest.profiles import PROFILES


def lines_of(*rows):
    return tuple(RateLine(duration_s=duration, start_per_s=start, end_per_s=end) for duration, start, end in rows)


@pytest.mark.parametrize("profile", PROFILES)
def test_equal_seeds_give_equal_arrivals_and_others_others(profile):
    lines = rate_lines(PROFILES[profile], rate_per_s=50, duration_s=20)
    first, again, other = (draw_arrivals(PROFILES[profile], lines, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or (first != other).any()


@pytest.mark.parametrize("profile", PROFILES)
def test_arrivals_ascend_and_stay_within_the_time(profile):
    times = draw_arrivals(PROFILES[profile], rate_lines(PROFILES[profile], rate_per_s=50, duration_s=20), seed=1)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] < 20


def test_gaps_of_a_constant_rate_are_exponential():
    times = poisson_arrivals(lines_of((1000, 20, 20)), np.random.default_rng(1))
    assert stats.kstest(np.diff(times), stats.expon(scale=1 / 20).cdf).pvalue > 0.01


def test_counts_of_a_poisson_process_vary_as_much_as_their_mean():
    counts = [len(poisson_arrivals(lines_of((10, 5, 15)), np.random.default_rng(seed))) for seed in range(2000)]
    assert np.mean(counts) == pytest.approx(100, abs=4 * 10 / np.sqrt(2000))
    assert np.var(counts) == pytest.approx(100, rel=0.15)


def test_arrivals_follow_a_rate_that_moves():
    """The cumulative rate, integrated numerically and not by the formula, maps arrivals onto a uniform distribution."""
    lines = lines_of((50, 2, 40), (30, 40, 40), (10, 0, 0), (60, 40, 5))
    times = poisson_arrivals(lines, np.random.default_rng(2))
    grid = np.linspace(0, 150, 150_001)
    rate = np.interp(grid, [0, 50, 80, 80 + 1e-9, 90, 90 + 1e-9, 150], [2, 40, 40, 0, 0, 40, 5])
    cumulative = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid))])
    uniform = np.interp(times, grid, cumulative) / cumulative[-1]
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert not ((times > 80.001) & (times < 89.999)).any()


def test_cameras_send_at_their_frame_rate_with_bounded_jitter():
    times = camera_arrivals(lines_of((60, 5, 5)), np.random.default_rng(3), frame_rate_hz=5, jitter_share=0.1)
    gaps = np.diff(times)
    assert len(times) == pytest.approx(300, abs=1)
    assert gaps.min() > 0.2 * 0.8 - 1e-9
    assert gaps.max() < 0.2 * 1.2 + 1e-9
    # The clock behind the jitter does not drift.
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) * 0.2, abs=0.04)


def test_many_cameras_make_the_rate():
    times = camera_arrivals(lines_of((20, 100, 100)), np.random.default_rng(3), frame_rate_hz=5, jitter_share=0.1)
    assert len(times) == pytest.approx(2000, abs=20)


def test_less_than_one_camera_is_a_slower_one():
    times = camera_arrivals(lines_of((100, 0.5, 0.5)), np.random.default_rng(3), frame_rate_hz=5, jitter_share=0.1)
    assert len(times) == pytest.approx(50, abs=1)


def test_cameras_refuse_a_rate_that_moves():
    with pytest.raises(UsageError, match="constant segments"):
        camera_arrivals(lines_of((10, 1, 5)), np.random.default_rng(0), frame_rate_hz=5, jitter_share=0.1)
