"""Locust users for a GenOD server.

    locust -f loadtest/locustfile.py --host grpc://localhost:8001
    locust -f loadtest/locustfile.py --host http://localhost:8000 --headless \
        --load-profile spike --rate 20 --duration 60s --sla p99=200ms

Beside Locust's own page, `/exact-latencies` has what Locust rounds. Locust is a closed loop: for a verdict about a
rate, use `python -m loadtest run`.
"""

from typing import Any

# First: it replaces sockets, and what is imported before it may keep the old ones.
from locust import events

from loadtest.locust_users.options import add_options
from loadtest.locust_users.users import GenodGrpcUser, GenodHttpUser
from loadtest.locust_users.wiring import connect

__all__ = ["GenodGrpcUser", "GenodHttpUser"]


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    add_options(parser)


@events.init.add_listener
def _connect(environment: Any, runner: Any, web_ui: Any, **_: Any) -> None:
    connect(environment, runner, web_ui)
