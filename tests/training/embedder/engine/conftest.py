"""What several tests of the runs need."""

from tests.training.engine.conftest import one_thread

__all__ = ["one_thread"]
