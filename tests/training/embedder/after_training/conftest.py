import pytest

from tests.training.embedder.tiny_run import write_tiny_run


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """A run folder that tests write calibrations and reports into, each its own."""
    return write_tiny_run(tmp_path_factory.mktemp("after_training"))
