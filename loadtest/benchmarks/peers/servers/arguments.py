"""The command line that all peers share."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4] / "model_repository"


@dataclass(frozen=True)
class Arguments:
    """Where to listen, and how to divide the cores."""

    port: int
    workers: int
    """Requests that are computed side by side."""
    threads: int
    """Of each."""


def parse() -> Arguments:
    """Read the command line; by default as many workers of one thread as there are cores, for the most requests/s."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--threads", type=int, default=1)
    parsed = parser.parse_args()
    return Arguments(parsed.port, parsed.workers, parsed.threads)
