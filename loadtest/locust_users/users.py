"""Users who ask a GenOD server for the objects in photos, one request event for each call."""

from __future__ import annotations

import contextlib
import random
import time
from typing import ClassVar

import gevent
import grpc.experimental.gevent as grpc_gevent
from locust import User, constant_throughput, task
from locust.exception import StopUser

from genod_client import GenODClient, GenODError, RetryPolicy
from loadtest.locust_users.session import LoadSession
from loadtest.open_loop.requested_outputs import is_visual_search

# Before the first channel: without it, grpc waits in C and all other users of the process with it.
grpc_gevent.init_gevent()


class GenodUser(User):
    """Sends a photo, reads the detections, waits, and begins anew.

    Attributes:
        schemes: what an address of this user may begin with.
        request_type: Locust's name of the protocol.
        session: what the process knows; set before the first user is spawned.
    """

    abstract = True
    schemes: ClassVar[tuple[str, ...]] = ()
    request_type: ClassVar[str] = ""
    session: ClassVar[LoadSession]

    def on_start(self) -> None:
        """Open a connection of its own, as callers do, and begin at a moment of its own."""
        settings = self.session.settings
        if not str(self.host).startswith(self.schemes):
            self.environment.process_exit_code = 64
            gevent.spawn(self.environment.runner.quit)  # not from within: it waits for this user to end
            raise StopUser
        self.client = GenODClient(
            str(self.host),
            model=settings.model,
            visual_search_model=settings.model,
            timeout_s=settings.timeout_s,
            # A retry would hide an error, and add its pause to the latency.
            retry_policy=RetryPolicy(max_attempts=1),
        )
        # Connected and told the classes before the first request counts. A server that is down fails that one too.
        with contextlib.suppress(GenODError):
            self.client.taxonomy()
        if settings.clock.per_user_per_s:
            # Users that all begin at once would come in waves for the whole test.
            time.sleep(random.random() / settings.clock.per_user_per_s)

    def on_stop(self) -> None:
        """Close the connection."""
        if hasattr(self, "client"):
            self.client.close()

    def wait_time(self) -> float:
        """Return the pause until the next request is due."""
        per_s = self.session.settings.clock.per_user_per_s
        return float(constant_throughput(per_s)(self)) if per_s else 0.0

    @task
    def detect(self) -> None:
        """Ask for the objects in one photo; exactly one request event, whatever happens."""
        photo = self.session.photos.next_photo()
        started_s, start = time.time(), time.perf_counter()
        error: GenODError | None = None
        found = 0
        try:
            if is_visual_search(self.session.settings.model):
                found = len(self.client.visual_search(photo))
            else:
                found = len(self.client.detect(photo))
        except GenODError as raised:
            error = raised
        self.environment.events.request.fire(
            request_type=self.request_type,
            name=self.session.settings.model,
            response_time=1e3 * (time.perf_counter() - start),
            response_length=found,
            exception=error,
            context=self.context(),
            start_time=started_s,
            url=self.host,
        )


class GenodHttpUser(GenodUser):
    """Over HTTP."""

    host = "http://localhost:8000"
    schemes = ("http://", "https://")
    request_type = "HTTP"


class GenodGrpcUser(GenodUser):
    """Over gRPC."""

    host = "grpc://localhost:8001"
    schemes = ("grpc://", "grpcs://")
    request_type = "gRPC"
