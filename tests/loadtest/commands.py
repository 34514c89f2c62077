"""The real commands, as people type them."""

import os
import subprocess
import sys

from tests.conftest import REPO_ROOT

# A machine that tests share with others lags more than a millisecond; what is tested here is not the machine.
QUICK = ["--warmup", "0.3s", "--cooldown", "0.2s", "--max-lag", "5s"]


def command(*arguments):
    return [sys.executable, "-m", "loadtest", *map(str, arguments)]


def start(*arguments):
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPO_ROOT,
        env={**os.environ, "COLUMNS": "200"},
        start_new_session=True,
    )


def finish(process, *, timeout_s=120):
    """The exit code, the lines printed, and what went to standard error."""
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, output.strip().splitlines(), errors


def call(*arguments, timeout_s=120):
    return finish(start(*arguments), timeout_s=timeout_s)
