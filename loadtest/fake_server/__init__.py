"""A server whose service times are known, to measure load generators with: ``python -m loadtest.fake_server``."""

from loadtest.fake_server.options import FakeServerOptions
from loadtest.fake_server.process import FakeServer

__all__ = ["FakeServer", "FakeServerOptions"]
