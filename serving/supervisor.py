"""Notice what Triton does not: a model's process that died, a service that answers nobody. Restart it.

tritonserver 2.51 keeps a model "ready" whose stub has died, and every request to it fails from then on.
A thread waits on kernel handles of tritonserver and all its stubs: a death is noticed at once, at no cost.
With an interval it also sends a real inference through every ensemble, which notices a deadlock.
The remedy for both is a new tritonserver on the same ports.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from serving.errors import ModelRefusedError, ProbeError, ServingError, SupervisionError
from serving.options import ServerOptions
from serving.probes import find_ensembles, probe_model
from serving.probes.triton_http import TritonHttp
from serving.process import TritonProcess
from serving.rollout_watch import LOOK_AGAIN_S, died_unplanned

logger = logging.getLogger(__name__)

#: Called with the reason before a restart.
RestartCallback = Callable[[str], None]

# A model that dies on every start would otherwise be restarted for ever. A start takes some three seconds, so this is
# a server that never serves for long; one that loses each of its models' processes once stays well below.
MAX_RESTARTS = 12
RESTART_WINDOW_S = 60.0

# Longer than any queue timeout: an answer that is late because of load is no deadlock.
PROBE_TIMEOUT_S = 30.0

SERVER = "tritonserver"


class SupervisedServer(Protocol):
    """What the supervisor needs of a server."""

    options: ServerOptions

    @property
    def process(self) -> TritonProcess: ...  # noqa: D102

    @property
    def http_url(self) -> str: ...  # noqa: D102

    def restart(self) -> None: ...  # noqa: D102


class Supervisor:
    """Watches one server from a thread of its own until it is stopped or gives up."""

    def __init__(self, server: SupervisedServer, *, on_restart: RestartCallback) -> None:
        self._server = server
        self._on_restart = on_restart
        self._restart_times: deque[float] = deque(maxlen=MAX_RESTARTS)
        self._stop_requested = threading.Event()
        self._ended = threading.Event()
        self._failure: ServingError | None = None
        self._probed_at = -float("inf") if server.options.rollout is None else time.monotonic()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name="triton-supervisor", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. A restart under way ends first, which the server is told to do."""
        self._stop_requested.set()
        os.write(self._wake_writer, b"x")
        self._thread.join()

    def wait(self) -> None:
        """Block until the supervisor has ended.

        Raises:
            ServingError: Why it gave up.
        """
        self._ended.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop_requested.is_set():
                reason = self._wait_for_trouble()
                if reason is not None and not self._stop_requested.is_set():
                    self._restart(reason)
        except ServingError as error:
            # A stop that interrupts a restart is no failure.
            if not self._stop_requested.is_set():
                self._failure = error
                logger.error("gave up on tritonserver: %s", error)
        finally:
            self._ended.set()

    def _wait_for_trouble(self) -> str | None:
        """Wait for a death, a failed probe or a stop; return the reason for a restart, if there is one."""
        interval_s = self._server.options.probe_interval_s
        is_rollout = self._server.options.rollout is not None
        wait_s, dead = interval_s or None, []
        if is_rollout:
            # Models come and go while it runs, also while it was probed.
            known = self._server.process.stubs
            self._server.process.remember_stubs()
            dead = [stub.instance_name for stub in known if stub not in self._server.process.stubs]
            wait_s = 0.0 if dead else min(interval_s or LOOK_AGAIN_S, LOOK_AGAIN_S)
        with _watch(self._server.process) as name_by_handle:
            poll = select.poll()
            for handle in (*name_by_handle, self._wake_reader):
                poll.register(handle, select.POLLIN)
            events = poll.poll(None if wait_s is None else wait_s * 1000)
            dead += [name_by_handle[handle] for handle, _ in events if handle in name_by_handle]
        if dead and is_rollout and SERVER not in dead:
            dead = died_unplanned(dead, TritonHttp(self._server.http_url, self._server.options.restricted_header))
        if dead:
            what = [name if name == SERVER else f"the process of model instance {name}" for name in dead]
            return f"{' and '.join(what)} died"
        if events or not interval_s or time.monotonic() - self._probed_at < interval_s:
            return None
        self._probed_at = time.monotonic()
        return self._probe()

    def _probe(self) -> str | None:
        url = self._server.http_url
        server = TritonHttp(url, self._server.options.restricted_header)
        try:
            for model in find_ensembles(url, timeout_s=PROBE_TIMEOUT_S, server=server):
                probe_model(url, model, timeout_s=PROBE_TIMEOUT_S, server=server)
        except ModelRefusedError as error:
            # Alive: the sample may not suit the model, or the queue was full.
            logger.info("probe: %s", error)
        except ProbeError as error:
            return f"a real inference failed: {error}"
        return None

    def _restart(self, reason: str) -> None:
        now = time.monotonic()
        if len(self._restart_times) == MAX_RESTARTS and now - self._restart_times[0] < RESTART_WINDOW_S:
            raise SupervisionError(
                f"tritonserver needed more than {MAX_RESTARTS} restarts within {RESTART_WINDOW_S:.0f} s;"
                f" last reason: {reason}"
            )
        self._restart_times.append(now)
        logger.warning("%s: restarting tritonserver", reason)
        self._on_restart(reason)
        self._server.restart()
        logger.warning("tritonserver serves again after %.1f s", time.monotonic() - now)


@contextmanager
def _watch(process: TritonProcess) -> Iterator[dict[int, str]]:
    """Open kernel handles that become readable when tritonserver or one of its stubs ends, each with its name.

    A process that has been reaped already has no handle; its entry is a pipe whose other end is closed,
    readable at once.
    """
    targets = [(process.pid, SERVER), *((stub.pid, stub.instance_name) for stub in process.stubs)]
    name_by_handle: dict[int, str] = {}
    try:
        for pid, name in targets:
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                handle, other_end = os.pipe()
                os.close(other_end)
            name_by_handle[handle] = name
        yield name_by_handle
    finally:
        for handle in name_by_handle:
            os.close(handle)
