import pytest

from loadtest.capacity.efficiency import fit_efficiency
from loadtest.capacity.simulation import simulate_callers
from tests.loadtest.capacity.profiles import detect_like


@pytest.mark.parametrize("truth", [0.55, 0.8])
def test_the_loss_is_found_from_the_answers_that_callers_got(truth):
    real = detect_like(efficiency=truth, cv=0.2)
    measured = {n: simulate_callers(real, callers=n, requests=3000, seed=7).throughput_per_s for n in (2, 4, 8)}
    fitted = fit_efficiency(detect_like(cv=0.2), measured)
    assert fitted.resources["cpu"].efficiency == pytest.approx(truth, abs=0.03)
    for point in fitted.calibration:
        assert point.simulated_per_s == pytest.approx(point.measured_per_s, rel=0.05)


def test_a_server_as_fast_as_its_single_calls_promise_loses_nothing():
    fitted = fit_efficiency(detect_like(), {2: 1000.0})
    assert fitted.resources["cpu"].efficiency == 1.0
