import pytest

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.shared_resource import ResourceProfile, SharedResource


def ends(capacity, jobs, efficiency=1.0):
    """Start all jobs (name -> length, demand) at 0 and return when each ends."""
    resource: SharedResource[str] = SharedResource(ResourceProfile(capacity=capacity, efficiency=efficiency))
    for name, (length, demand) in jobs.items():
        resource.start(0.0, length, demand, name)
    finished = {}
    while (at := resource.next_end()) is not None:
        for name in resource.finished(at):
            finished[name] = at
    return finished


def test_jobs_that_fit_do_not_slow_each_other():
    assert ends(2, {"a": (10, 1), "b": (4, 1)}) == pytest.approx({"a": 10, "b": 4})


def test_two_jobs_on_one_core_share_it_until_the_shorter_is_done():
    # b: 4 ms at half speed; then a has 10 - 4 left at full speed.
    assert ends(1, {"a": (10, 1), "b": (4, 1)}) == pytest.approx({"b": 8, "a": 14})


def test_a_job_with_two_threads_takes_two_shares():
    # Demand 3 on 2 cores: everything runs at 2/3 until b is done at 6; a then has 6 left.
    assert ends(2, {"a": (10, 2), "b": (4, 1)}) == pytest.approx({"b": 6, "a": 12})


def test_overcommitted_cores_lose_what_the_efficiency_says():
    assert ends(1, {"a": (10, 1), "b": (10, 1)}, efficiency=0.5) == pytest.approx({"a": 40, "b": 40})


def test_a_job_is_never_slower_than_alone_while_there_is_capacity():
    assert ends(2, {"a": (10, 1.5)}, efficiency=0.5) == pytest.approx({"a": 10})


def test_the_loss_sets_in_gradually():
    resource = ResourceProfile(capacity=2, efficiency=0.5)
    assert resource.rate(2.0) == 1.0
    assert resource.rate(2.001) == pytest.approx(1.0, abs=2e-3)
    assert resource.rate(3.0) == pytest.approx(0.5 * 2 / 3)
    assert resource.rate(8.0) == pytest.approx(0.5 * 2 / 8)


@pytest.mark.parametrize(
    "fields", [{"capacity": 0}, {"capacity": 2, "efficiency": 0}, {"capacity": 2, "efficiency": 2}]
)
def test_impossible_resources_are_refused(fields):
    with pytest.raises(ProfileError, match="got"):
        ResourceProfile(**fields)
