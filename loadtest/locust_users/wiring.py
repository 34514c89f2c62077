"""Everything that has to be connected to Locust's events once its environment exists."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import Response
from locust.env import Environment
from locust.runners import STATE_CLEANUP, STATE_INIT, STATE_STOPPED, STATE_STOPPING, MasterRunner, Runner, WorkerRunner

from loadtest.errors import LoadTestError, UsageError
from loadtest.locust_users.distributed import connect_master, connect_worker
from loadtest.locust_users.options import LocustSettings
from loadtest.locust_users.profile_shape import ProfileShape
from loadtest.locust_users.session import LoadSession
from loadtest.locust_users.summary import summary_lines, summary_values
from loadtest.locust_users.users import GenodUser
from loadtest.report.atomic_text_file import write_text_atomically
from loadtest.report_folder import prepare_folder

EXIT_USAGE = 64
REPORT_NAME = "locust.json"
WEB_PATH = "/exact-latencies"

logger = logging.getLogger(__name__)


def connect(environment: Environment, runner: Runner, web_ui: Any) -> None:
    """Connect a test to Locust; a wrong option ends the process with exit code 64."""
    try:
        session = LoadSession(_settings(environment))
        if session.settings.report is not None and not isinstance(runner, WorkerRunner):
            prepare_folder(session.settings.report)
        if not isinstance(runner, MasterRunner):
            session.prepare_photos()  # before --run-time runs; workers may be told of others when the test begins
        _choose_users(environment)
        _choose_shape(environment, runner, session)
    except LoadTestError as error:
        _refuse(error)
    GenodUser.session = session
    # Else requests on their way are dropped at the end, the slow ones first.
    if not environment.stop_timeout:
        environment.stop_timeout = session.settings.timeout_s
    if isinstance(runner, WorkerRunner):
        connect_worker(environment, runner, session)
    elif isinstance(runner, MasterRunner):
        connect_master(environment, runner, session)
    _count_requests(environment, session)
    _follow_tests(environment, runner, session)
    if web_ui is not None:
        _add_page(web_ui, session)


def _settings(environment: Environment) -> LocustSettings:
    assert environment.parsed_options is not None
    return LocustSettings.from_options(environment.parsed_options)


def _refuse(error: LoadTestError) -> None:
    print(f"locust: error: {error}", flush=True)
    # Locust would catch an exception here, log it with its traceback, and exit with 1.
    raise SystemExit(EXIT_USAGE)


def _choose_users(environment: Environment) -> None:
    """Keep the users of the host's protocol: Locust would spawn both kinds, and half of them could not connect."""
    if not environment.host:
        return
    fitting = [
        user
        for user in environment.user_classes
        if not issubclass(user, GenodUser) or environment.host.startswith(user.schemes)
    ]
    if not fitting:
        raise UsageError(
            f"--host {environment.host} fits none of {', '.join(user.__name__ for user in environment.user_classes)}: "
            "an address looks like grpc://host:8001 or http://host:8000; grpcs:// and https:// use TLS."
        )
    environment.user_classes[:] = fitting


def _choose_shape(environment: Environment, runner: Runner, session: LoadSession) -> None:
    if session.settings.clock.profile is None:
        return
    if environment.shape_class is not None:
        raise UsageError(
            f"--load-profile and the shape {type(environment.shape_class).__name__} of another file contradict each "
            "other. Leave one out."
        )
    shape = ProfileShape(session)
    shape.runner = runner
    environment.shape_class = shape


def _count_requests(environment: Environment, session: LoadSession) -> None:
    def count(response_time: float, exception: BaseException | None, start_time: float, **_: Any) -> None:
        session.record(started_s=start_time, latency_ms=response_time, error=exception)

    environment.events.request.add_listener(count)


def _follow_tests(environment: Environment, runner: Runner, session: LoadSession) -> None:
    is_worker = isinstance(runner, WorkerRunner)

    def begin(**_: Any) -> None:
        try:
            session.begin(_settings(environment), sends=not isinstance(runner, MasterRunner))
        except LoadTestError as error:
            print(f"locust: error: {error}", flush=True)
            environment.process_exit_code = EXIT_USAGE
            runner.quit()

    def stopping(**_: Any) -> None:
        session.stop_clock()

    def end(**_: Any) -> None:
        if is_worker:
            return
        session.judge()
        print("\n".join(("", *summary_lines(session), "")), flush=True)
        if session.verdict is not None:
            environment.process_exit_code = session.verdict.code
        if session.settings.report is not None:
            text = json.dumps(summary_values(session), indent=1) + "\n"
            write_text_atomically(session.settings.report / REPORT_NAME, text)

    def stop_before_quitting(**_: Any) -> None:
        # After Ctrl-C Locust asks for the exit code before it stops the users.
        if not is_worker and runner.state not in (STATE_INIT, STATE_STOPPED, STATE_STOPPING, STATE_CLEANUP):
            runner.stop()

    environment.events.test_start.add_listener(begin)
    environment.events.test_stopping.add_listener(stopping)
    environment.events.test_stop.add_listener(end)
    environment.events.quitting.add_listener(stop_before_quitting)


def _add_page(web_ui: Any, session: LoadSession) -> None:
    def show() -> Response:
        return Response(json.dumps(summary_values(session), indent=1), mimetype="application/json")

    web_ui.app.add_url_rule(WEB_PATH, "genod_exact_latencies", web_ui.auth_required_if_enabled(show))
