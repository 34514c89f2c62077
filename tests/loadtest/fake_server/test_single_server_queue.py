import numpy as np
import pytest

from loadtest.fake_server.single_server_queue import SingleServerQueue
from tests.loadtest.md1 import answers_one_by_one


def test_an_idle_server_takes_the_service_time():
    queue = SingleServerQueue(service_s=0.5)
    assert [queue.admit(at_s) for at_s in (0.0, 1.0, 7.0)] == [0.5, 1.5, 7.5]


def test_requests_wait_for_those_before_them():
    queue = SingleServerQueue(service_s=0.5)
    assert [queue.admit(at_s) for at_s in (0.0, 0.1, 0.2, 3.0)] == [0.5, 1.0, 1.5, 3.5]


def test_a_stall_delays_whoever_comes_and_nobody_before():
    queue = SingleServerQueue(service_s=0.5)
    assert queue.admit(0.0) == 0.5
    queue.stall(0.2, 2.0)
    assert [queue.admit(at_s) for at_s in (0.2, 1.0, 9.0)] == [3.0, 3.5, 9.5]


@pytest.mark.parametrize("seed", range(3))
def test_the_queue_is_lindleys_recursion(seed):
    arrivals_s = np.cumsum(np.random.default_rng(seed).exponential(0.02, size=500))
    queue = SingleServerQueue(service_s=0.015)
    done_s = []
    for index, arrival_s in enumerate(arrivals_s):
        if index == 250:
            queue.stall(arrival_s, 1.0)
        done_s.append(queue.admit(arrival_s))
    np.testing.assert_allclose(done_s, answers_one_by_one(arrivals_s, 0.015, stall_before=250, stall_s=1.0))
