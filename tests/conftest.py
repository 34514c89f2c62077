"""What tests of every folder share: where the checkout is, where real photos lie, how Hypothesis searches."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPO_ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run: a red CI is red on the next run too. No deadline: machines are shared.
settings.register_profile("genod", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genod")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout."""
    return REPO_ROOT


@pytest.fixture(scope="session")
def genod_data() -> Path:
    """The folder of real photos and annotations, which is not committed; skips where there is none.

    It is `GENOD_DATA`, by default `shared/data` beside the checkout.
    """
    folder = Path(os.environ.get("GENOD_DATA", REPO_ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the data folder: {folder} does not exist; set GENOD_DATA to where it is")
    return folder


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Has SIGINT raise KeyboardInterrupt, as in a terminal; a shell's background command inherits it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
