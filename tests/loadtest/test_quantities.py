import argparse

import pytest

from loadtest.quantities import seconds, share, sla_target


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("1.5m", 90), ("500ms", 0.5), ("1h", 3600), ("2min", 120)])
def test_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "nan", "1s2"])
def test_what_is_no_duration(text):
    with pytest.raises(argparse.ArgumentTypeError, match="looks like"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "percentile", "limit_ms"),
    [("p99=100ms", 99, 100), ("p99.9<=2s", 99.9, 2000), ("P50=0.1s", 50, 100), ("p50 = 7.5ms", 50, 7.5)],
)
def test_limits(text, percentile, limit_ms):
    target = sla_target(text)
    assert (target.percentile, target.limit_ms) == (percentile, limit_ms)


@pytest.mark.parametrize("text", ["p99", "99=100ms", "p99=100", "p0=1s", "p100=1s", "p99=0ms", "p99=-1ms"])
def test_what_is_no_limit(text):
    with pytest.raises(argparse.ArgumentTypeError):
        sla_target(text)


def test_shares():
    assert share("0.1%") == 0.001
    assert share("1") == 1
    for text in ("1.1", "-0.1", "200%", "x"):
        with pytest.raises(argparse.ArgumentTypeError):
            share(text)
