"""The waiting time of M/D/c, computed without simulating.

Stationary numbers in system from the embedded chain N(t + D) = max(N(t) - c, 0) + Poisson(λD); the distribution of the
wait by Franx, "A simple solution for the M/D/c waiting time distribution" (2001), whose terms are all positive.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import poisson


class MDc:
    def __init__(self, *, rate_per_s: float, service_ms: float, servers: int, states: int = 400) -> None:
        self.rate = rate_per_s / 1e3
        self.service = service_ms
        self.servers = servers
        arrivals = poisson.pmf(np.arange(states), self.rate * service_ms)
        chain = np.zeros((states, states))
        for n in range(states):
            left = max(n - servers, 0)
            chain[n, left:] = arrivals[: states - left]
        chain[:, -1] += 1 - chain.sum(axis=1)
        values = np.vstack([chain.T - np.eye(states), np.ones(states)])
        self.numbers, *_ = np.linalg.lstsq(values, np.append(np.zeros(states), 1.0), rcond=None)

    @property
    def mean_wait_ms(self) -> float:
        waiting = np.maximum(np.arange(len(self.numbers)) - self.servers, 0)
        return float(waiting @ self.numbers) / self.rate  # Little's law

    def probability_of_at_most(self, wait_ms: float) -> float:
        k = math.floor(wait_ms / self.service) + 1
        at_most = np.cumsum(self.numbers)
        x = self.rate * (k * self.service - wait_ms)
        terms = k * self.servers
        return float(
            sum(poisson.pmf(j, x) * at_most[min(terms - 1 - j + self.servers, len(at_most) - 1)] for j in range(terms))
        )

    def wait_percentile_ms(self, percentile: float) -> float:
        share = percentile / 100
        if self.probability_of_at_most(0) >= share:
            return 0.0
        return float(brentq(lambda t: self.probability_of_at_most(t) - share, 0, 300 * self.service))
