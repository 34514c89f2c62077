"""M/D/1 on paper: one server, constant service times D, Poisson arrivals of rate lambda."""

import math
from decimal import Decimal, localcontext

import numpy as np


def waiting_time_cdf(x_s, *, rate_per_s, service_s):
    """P(W <= x), Crommelin 1932: (1-rho) * sum over k of (lambda(kD-x))^k / k! * exp(-lambda(kD-x)), k = 0..floor(x/D).

    The terms alternate and are large: they are summed with 80 digits.
    """
    if x_s < 0:
        return 0.0
    with localcontext() as context:
        context.prec = 80
        rate, service, x = Decimal(rate_per_s), Decimal(service_s), Decimal(x_s)
        total = Decimal(0)
        for k in range(int(x / service) + 1):
            term = rate * (k * service - x)
            total += (term**k if k else Decimal(1)) / math.factorial(k) * (-term).exp()
        return float((1 - rate * service) * total)


def sojourn_quantile(share, *, rate_per_s, service_s):
    """The time from arrival to answer, waiting and service, that a share of the requests does not exceed."""
    if waiting_time_cdf(0.0, rate_per_s=rate_per_s, service_s=service_s) >= share:
        return service_s  # nobody waits
    low, high = 0.0, service_s
    while waiting_time_cdf(high, rate_per_s=rate_per_s, service_s=service_s) < share:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if waiting_time_cdf(middle, rate_per_s=rate_per_s, service_s=service_s) < share:
            low = middle
        else:
            high = middle
    return high + service_s


def answers_one_by_one(arrivals_s, service_s, *, stall_before=None, stall_s=0.0):
    """When each request is answered, by Lindley's recursion in a plain loop; `stall_before` is a request's index."""
    free_s, done_s = 0.0, []
    for index, arrival_s in enumerate(arrivals_s):
        if index == stall_before:
            free_s = max(free_s, arrival_s) + stall_s
        free_s = max(free_s, arrival_s) + service_s
        done_s.append(free_s)
    return np.array(done_s)


def share_and_error(is_over, starts_busy_period):
    """The share of requests that are over a limit, and its standard error.

    Latencies of one busy period depend on each other; busy periods do not. So the error is that of a ratio over busy
    periods (regenerative simulation; Law, Simulation Modeling and Analysis, 9.5.3), not the binomial one.
    """
    period = np.cumsum(starts_busy_period) - 1
    over = np.bincount(period, weights=is_over)
    size = np.bincount(period)
    share = over.sum() / size.sum()
    return share, math.sqrt(((over - share * size) ** 2).sum()) / size.sum()
