"""Wait until a starting tritonserver is ready, ends, or takes too long."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from serving.errors import ModelLoadError, StartupError
from serving.log_diagnosis import diagnose, loaded_models, read_log

POLL_INTERVAL_S = 0.1

#: Called while waiting with the seconds waited so far and the names of the models that are loaded.
ProgressCallback = Callable[[float, list[str]], None]


def wait_until_ready(
    *,
    connect_host: str,
    http_port: int,
    poll_exit_code: Callable[[], int | None],
    log_path: Path,
    log_start: int,
    timeout_s: float,
    on_progress: ProgressCallback,
    headers: Mapping[str, str],
) -> None:
    """Block until every model is loaded and the server says that it is ready.

    Args:
        connect_host: Address at which this machine reaches the server.
        http_port: Its HTTP port.
        poll_exit_code: Exit code of tritonserver, or None while it runs.
        log_path: Its log.
        log_start: Byte of the log at which this start begins.
        timeout_s: How long to wait.
        on_progress: Told about the progress at every poll.
        headers: What opens restricted APIs.

    Raises:
        ModelLoadError: A model does not load; carries the model's own error.
        StartupError: tritonserver ended for another reason, or was not ready in time.
    """
    started = time.monotonic()
    while True:
        waited_s = time.monotonic() - started
        exit_code = poll_exit_code()
        if exit_code is not None:
            raise _explain_exit(exit_code, read_log(log_path, start=log_start), log_path)
        ready = is_ready(connect_host, http_port, headers)
        loaded = loaded_models(read_log(log_path, start=log_start))
        on_progress(waited_s, loaded)
        if ready:
            return
        if waited_s > timeout_s:
            raise StartupError(
                f"tritonserver was not ready after {timeout_s:.0f} s; loaded so far:"
                f" {', '.join(loaded) or 'nothing'}."
                f" Allow more with --ready-timeout-s, or see {log_path}"
            )
        time.sleep(POLL_INTERVAL_S)


def is_ready(host: str, http_port: int, headers: Mapping[str, str]) -> bool:
    """Ask the ready endpoint once.

    It tells that all models were loaded. It goes on telling so when a model's process has died: see
    ``serving.probes``.
    """
    connection = http.client.HTTPConnection(host, http_port, timeout=2)
    try:
        # Idle connections hold up a stop of tritonserver: leave none behind.
        connection.request("GET", "/v2/health/ready", headers={**headers, "Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _explain_exit(exit_code: int, log: str, log_path: Path) -> StartupError:
    diagnosis = diagnose(log)
    if diagnosis.model_failures:
        count = len(diagnosis.model_failures)
        lines = [f"{count} model{'s do' if count > 1 else ' does'} not load:"]
        for failure in diagnosis.model_failures:
            place = f"  at {failure.place}" if failure.place else ""
            reason = failure.reason.replace("\n", "\n    ")
            lines.append(f"  {failure.model}: {reason}" + (f"\n  {place}" if place else ""))
        return ModelLoadError("\n".join([*lines, f"Full log: {log_path}"]))
    reasons = "".join(f"\n  {error}" for error in diagnosis.other_errors) or " and gave no reason"
    return StartupError(f"tritonserver ended with exit code {exit_code}:{reasons}\nFull log: {log_path}")
