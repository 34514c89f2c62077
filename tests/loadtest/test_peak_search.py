import pytest

from loadtest.peak_search import find_peak


class Server:
    """Holds every rate up to `peak`; `script` overrides single steps by their number."""

    def __init__(self, peak, script=None):
        self.peak = peak
        self.script = script or {}
        self.tried = []

    def __call__(self, rate, attempt):
        self.tried.append((rate, attempt))
        return self.script.get(len(self.tried), "passed" if rate <= self.peak else "failed")


def search(server, **changes):
    return find_peak(
        server, **{"start_per_s": 4, "lowest_per_s": 0.25, "highest_per_s": 10_000, "tolerance": 0.1} | changes
    )


@pytest.mark.parametrize("peak", [4, 5.5, 7.99, 31, 100, 999])
def test_the_peak_is_found_within_the_tolerance(peak):
    found = search(Server(peak))
    assert found.end == "found"
    assert found.best_per_s <= peak < found.failed_per_s <= found.best_per_s * 1.1


def test_rates_double_until_one_fails_and_then_bisect():
    server = Server(25)
    search(server, tolerance=0.5)
    assert [rate for rate, _ in server.tried] == [4, 8, 16, 32, 32, pytest.approx(22.6, abs=0.1)]


def test_a_peak_below_the_first_rate_is_found_too():
    found = search(Server(1.3))
    assert found.best_per_s <= 1.3 < found.failed_per_s


def test_a_step_that_fails_is_made_once_more_and_the_second_counts():
    server = Server(25, script={3: "failed"})
    found = search(server, tolerance=0.5)
    assert server.tried[2:4] == [(16, 1), (16, 2)]
    assert found.best_per_s > 20


def test_where_nothing_passes_the_search_ends():
    server = Server(0)
    found = search(server)
    assert (found.end, found.best_per_s, found.failed_per_s) == ("none_passed", None, 0.25)
    assert len(server.tried) == 10


def test_the_highest_rate_ends_the_search():
    found = search(Server(1e9), highest_per_s=50)
    assert (found.end, found.best_per_s) == ("highest_passed", 50)


@pytest.mark.parametrize("outcome", ["server_gone", "interrupted"])
def test_what_cannot_be_repeated_ends_the_search_at_once(outcome):
    server = Server(100, script={3: outcome})
    found = search(server)
    assert (found.end, found.best_per_s, len(server.tried)) == (outcome, 8, 3)


def test_a_limited_generator_ends_the_search_after_a_second_try():
    server = Server(100, script={3: "generator_limited", 4: "generator_limited"})
    assert (search(server).end, len(server.tried)) == ("generator_limited", 4)
    server = Server(100, script={3: "generator_limited"})
    assert search(server).end == "found"
