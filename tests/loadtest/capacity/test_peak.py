import pytest

from loadtest.capacity.errors import PlanError
from loadtest.capacity.peak import predict_peak, saturation_rate
from loadtest.results import Target
from tests.loadtest.capacity.md_c import MDc
from tests.loadtest.capacity.profiles import detect_like, single_stage

P99 = Target(percentile=99, limit_ms=60)


@pytest.mark.parametrize("servers", [1, 3])
def test_the_peak_of_m_d_c_is_where_theory_puts_it(servers):
    """The highest rate whose p99 is within the limit, a little below it: the verdict wants 99 % confidence."""
    low, high = 1.0, 100.0 * servers
    for _ in range(20):
        middle = (low + high) / 2
        queue = MDc(rate_per_s=middle, service_ms=10, servers=servers)
        low, high = (middle, high) if queue.wait_percentile_ms(99) + 10 <= P99.limit_ms else (low, middle)
    peak = predict_peak(single_stage(10, instances=servers), [P99], seed=1, requests=40_000, resolution=0.005)
    assert 0.95 * low <= peak.rate_per_s <= 1.01 * low


def test_an_sla_below_the_unloaded_latency_has_no_peak():
    peak = predict_peak(single_stage(10), [Target(percentile=99, limit_ms=9.9)], seed=1)
    assert peak.rate_per_s == 0
    assert peak.at_peak.verdict.percentiles_ms["p99"] >= 10


def test_a_looser_sla_never_has_a_lower_peak():
    peaks = [
        predict_peak(detect_like(cv=0.2), [Target(percentile=99, limit_ms=limit)], seed=1, requests=3000).rate_per_s
        for limit in (60, 90, 150, 400)
    ]
    assert peaks == sorted(peaks)
    assert 0 < peaks[0] < peaks[-1] <= saturation_rate(detect_like())


def test_the_tightest_of_several_targets_decides():
    loose, tight = Target(percentile=99, limit_ms=400), Target(percentile=50, limit_ms=35)
    both = predict_peak(detect_like(cv=0.2), [loose, tight], seed=1, requests=3000).rate_per_s
    assert both == predict_peak(detect_like(cv=0.2), [tight], seed=1, requests=3000).rate_per_s
    assert both < predict_peak(detect_like(cv=0.2), [loose], seed=1, requests=3000).rate_per_s


def test_saturation_is_what_the_scarcest_resource_allows():
    # 4 + 28 + 6 + 5 + 2 core-ms on 2 cores; the backbone's one instance would allow 1000 / 15.
    assert saturation_rate(detect_like(2)) == pytest.approx(2000 / 45)
    assert saturation_rate(detect_like(16)) == pytest.approx(1000 / 15)
    assert saturation_rate(detect_like(16), replicas=3) == pytest.approx(3000 / 15)


def test_a_peak_without_a_target_is_refused():
    with pytest.raises(PlanError, match="p99=100ms"):
        predict_peak(single_stage(), [], seed=1)
