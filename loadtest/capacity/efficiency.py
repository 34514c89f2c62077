"""Fits the figure that single calls do not show: how much of the cores is lost when too much is asked of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from loadtest.capacity.service_profile import Calibration, ServiceProfile
from loadtest.capacity.simulation import simulate_callers

_REQUESTS = 3000
_LOWEST = 0.2
_STEPS = 7


def fit_efficiency(profile: ServiceProfile, measured_per_s: Mapping[int, float], *, seed: int = 1) -> ServiceProfile:
    """Return the profile with the CPU efficiency at which simulated callers get as many answers as the real ones did.

    Args:
        profile: With the times of executions that had the machine for themselves.
        measured_per_s: Answers per second by number of callers.
        seed: Of the simulations.
    """
    low, high = _LOWEST, 1.0
    if _excess(profile, measured_per_s, seed) > 0:  # even without any loss the real server is no faster
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if _excess(_with_efficiency(profile, middle), measured_per_s, seed) > 0:
                high = middle
            else:
                low = middle
    fitted = _with_efficiency(profile, high if high == 1.0 else round((low + high) / 2, 3))
    return replace(
        fitted,
        calibration=tuple(
            Calibration(
                callers=callers,
                measured_per_s=round(rate, 2),
                simulated_per_s=round(_throughput(fitted, callers, seed), 2),
            )
            for callers, rate in measured_per_s.items()
        ),
    )


def _with_efficiency(profile: ServiceProfile, efficiency: float) -> ServiceProfile:
    return profile.with_resource("cpu", efficiency=efficiency)


def _excess(profile: ServiceProfile, measured_per_s: Mapping[int, float], seed: int) -> float:
    """Return by how much the simulation is faster: the mean logarithm of simulated over measured."""
    return sum(
        math.log(_throughput(profile, callers, seed) / rate) for callers, rate in measured_per_s.items() if rate > 0
    )


def _throughput(profile: ServiceProfile, callers: int, seed: int) -> float:
    return simulate_callers(profile, callers=callers, requests=_REQUESTS, seed=seed).throughput_per_s
