import pytest

from loadtest.capacity.batch_queue import BatchQueue
from loadtest.capacity.simulated_request import SimulatedRequest
from tests.loadtest.capacity.profiles import stage

LANDSCAPE, PORTRAIT = 0, 1


def queue_of(shapes, *, at=None, **fields):
    queue = BatchQueue(stage("only", 1, **fields), 0)
    for number, shape in enumerate(shapes):
        now = 0.0 if at is None else at[number]
        assert queue.offer(now, SimulatedRequest(number, now, shape, [0], 0, 1))
    return queue


def numbers(taken):
    return [request.number for request in taken.batch]


def test_a_batch_is_what_waits_up_to_the_largest_size():
    queue = queue_of([LANDSCAPE] * 5, max_batch=4)
    assert numbers(queue.take(1.0)) == [0, 1, 2, 3]
    assert numbers(queue.take(1.0)) == [4]


def test_a_batch_ends_where_the_shape_changes_and_nobody_overtakes():
    queue = queue_of([LANDSCAPE, LANDSCAPE, PORTRAIT, LANDSCAPE], max_batch=16)
    assert [numbers(queue.take(1.0)) for _ in range(3)] == [[0, 1], [2], [3]]


def test_a_batch_that_can_grow_waits_for_the_delay_of_its_oldest():
    queue = queue_of([LANDSCAPE, LANDSCAPE], at=[2.0, 5.0], max_batch=4, max_queue_delay_ms=10)
    assert queue.take(6.0).look_again_ms == 12.0
    assert numbers(queue.take(12.0)) == [0, 1]


def test_a_batch_that_another_shape_stops_does_not_wait():
    queue = queue_of([LANDSCAPE, PORTRAIT], max_batch=4, max_queue_delay_ms=10)
    assert numbers(queue.take(0.0)) == [0]


@pytest.mark.parametrize(("waiting", "expected"), [(3, 2), (4, 4), (7, 4)])
def test_the_largest_preferred_size_that_can_be_filled_goes_at_once(waiting, expected):
    queue = queue_of([LANDSCAPE] * waiting, max_batch=8, preferred_batch_sizes=(2, 4), max_queue_delay_ms=10)
    assert len(queue.take(0.0).batch) == expected


def test_fewer_than_any_preferred_size_wait_for_the_delay():
    queue = queue_of([LANDSCAPE], max_batch=8, preferred_batch_sizes=(2, 4), max_queue_delay_ms=10)
    assert queue.take(0.0).look_again_ms == 10.0
    assert numbers(queue.take(10.0)) == [0]


def test_who_has_waited_for_the_delay_takes_everybody_along():
    queue = queue_of([LANDSCAPE] * 3, max_batch=8, preferred_batch_sizes=(1,), max_queue_delay_ms=10)
    assert numbers(queue.take(9.0)) == [0]
    assert numbers(queue.take(10.0)) == [1, 2]


def test_a_full_queue_refuses():
    queue = queue_of([LANDSCAPE, LANDSCAPE], max_queue_size=2)
    assert not queue.offer(0.0, SimulatedRequest(2, 0.0, LANDSCAPE, [0], 0, 1))


def test_who_waited_too_long_is_refused_when_a_batch_is_taken():
    queue = queue_of([LANDSCAPE, LANDSCAPE], at=[0.0, 60.0], max_batch=4, queue_timeout_ms=50)
    taken = queue.take(80.0)
    assert [request.number for request in taken.refused] == [0]
    assert numbers(taken) == [1]
