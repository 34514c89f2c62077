"""Exact latencies of a master and its workers.

Workers add what is new to each of their reports. When a test ends, the master asks for the rest and waits for it:
Locust itself gives its workers half a second before it quits.
"""

from __future__ import annotations

import logging
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.locust_users.exact_latencies import ExactLatencies
from loadtest.locust_users.session import LoadSession

REPORT_KEY = "genod_exact_latencies"
FINISH_MESSAGE = "genod_finish"
REST_MESSAGE = "genod_rest"
# Beyond the time that a request may take.
PATIENCE_S = 5.0

logger = logging.getLogger(__name__)


def connect_worker(environment: Environment, runner: WorkerRunner, session: LoadSession) -> None:
    """Have a worker report what it counts."""

    def report(client_id: str, data: dict[str, Any], **_: Any) -> None:
        data[REPORT_KEY] = session.latencies.take().to_message()

    def finish(environment: Environment, msg: Any, **_: Any) -> None:
        runner.stop()  # waits for requests in flight; the listener below sends the rest
        runner.send_message(REST_MESSAGE, session.latencies.take().to_message())

    environment.events.report_to_master.add_listener(report)
    runner.register_message(FINISH_MESSAGE, finish, concurrent=True)


def connect_master(environment: Environment, runner: MasterRunner, session: LoadSession) -> None:
    """Have a master gather what its workers count."""
    awaited: set[str] = set()

    def merge(client_id: str, data: dict[str, Any], **_: Any) -> None:
        if REPORT_KEY in data:
            session.latencies.merge(ExactLatencies.from_message(data[REPORT_KEY]))

    def merge_rest(environment: Environment, msg: Any, **_: Any) -> None:
        session.latencies.merge(ExactLatencies.from_message(msg.data))
        awaited.discard(msg.node_id)

    def gather_rest(**_: Any) -> None:
        awaited.update(client.id for client in runner.clients.all)
        runner.send_message(FINISH_MESSAGE)
        with gevent.Timeout(session.settings.timeout_s + PATIENCE_S, exception=False):
            while awaited:
                gevent.sleep(0.02)
        if awaited:
            logger.error("no final report of %d workers: their last seconds are missing", len(awaited))
            awaited.clear()

    environment.events.worker_report.add_listener(merge)
    environment.events.test_stopping.add_listener(gather_rest)
    runner.register_message(REST_MESSAGE, merge_rest)
