import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: flushing thousands of files to a disk would only take time."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.parametrize(("scenario", "at_least"), [("new", 4), ("publish", 30), ("fetch", 60), ("gc", 8)])
def test_killed_at_any_moment_there_is_the_old_state_or_the_new_and_the_next_run_finishes(
    memory: Path, scenario: str, at_least: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.ensembles.releases.crash_points", str(memory), scenario],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert int(ended.stdout) >= at_least
