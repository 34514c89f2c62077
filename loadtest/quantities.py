"""Quantities as people type them: `p99=100ms`, `10m`, `0.1%`."""

from __future__ import annotations

import argparse
import re

from loadtest.results import Target

_NUMBER = r"(?P<number>\d+(?:\.\d*)?|\.\d+)"
_DURATION = re.compile(_NUMBER + r"\s*(?P<unit>ms|s|m|min|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, None: 1.0}
_TARGET = re.compile(r"p(?P<percentile>\d+(?:\.\d+)?)\s*(?:=|<=)\s*" + _NUMBER + r"\s*(?P<unit>ms|s)")


def seconds(text: str) -> float:
    """Read a duration: `90`, `90s`, `1.5m`, `500ms`, `1h`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"a duration looks like 90s, 1.5m or 500ms, not {text!r}")
    return float(match["number"]) * _SECONDS[match["unit"]]


def positive_seconds(text: str) -> float:
    """Read a duration above 0; see `seconds`."""
    value = seconds(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"it must be above 0, not {text!r}")
    return value


def milliseconds(text: str) -> float:
    """Read a duration above 0 as milliseconds; see `seconds`."""
    return 1e3 * positive_seconds(text)


def sla_target(text: str) -> Target:
    """Read a limit on a percentile: `p99=100ms`, `p99.9=2s`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    match = _TARGET.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"a limit looks like p99=100ms or p50=0.5s, not {text!r}")
    percentile, limit_ms = float(match["percentile"]), 1e3 * float(match["number"]) * _SECONDS[match["unit"]]
    if not 0 < percentile < 100:
        raise argparse.ArgumentTypeError(f"a percentile lies between 0 and 100, both excluded, not {text!r}")
    if limit_ms <= 0:
        raise argparse.ArgumentTypeError(f"a limit is above 0, not {text!r}")
    # 1e3 * 0.1 and the like: nobody typed 100.00000000000001 ms.
    return Target(percentile=percentile, limit_ms=round(limit_ms, 9))


def share(text: str) -> float:
    """Read a share: `0.01` or `1%`.

    Raises:
        argparse.ArgumentTypeError: it is not between 0 and 1.
    """
    stripped = text.strip()
    try:
        value = float(stripped.removesuffix("%")) / (100 if stripped.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a share looks like 0.01 or 1%, between 0 and 1, not {text!r}")
    return value


def positive(text: str) -> float:
    """Read a number above 0.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"it must be a number above 0, not {text!r}")
    return value


def count(text: str) -> int:
    """Read a whole number from 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1, not {text!r}")
    return int(text)


def header(text: str) -> tuple[str, str]:
    """Read `NAME=VALUE`.

    Raises:
        argparse.ArgumentTypeError: there is no equals sign.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"a header looks like NAME=VALUE, not {text!r}")
    return name, value
