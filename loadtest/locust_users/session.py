"""What the processes of one Locust test know: settings, photos, and what was counted. Free of Locust itself."""

from __future__ import annotations

import os
import time

from loadtest.locust_users.closed_loop_verdict import decide_closed_loop
from loadtest.locust_users.exact_latencies import ExactLatencies
from loadtest.locust_users.options import LocustSettings
from loadtest.locust_users.photo_stream import PhotoStream
from loadtest.payloads import Mix, generate_photos, photos_of_folder
from loadtest.results import Verdict


class LoadSession:
    """Reset by `begin` at each start of a test.

    Attributes:
        settings: of this test.
        latencies: what was counted in this process, and on a master in its workers.
        verdict: of the last test that ended; None without an SLA.
    """

    def __init__(self, settings: LocustSettings) -> None:
        self.settings = settings
        self.latencies = ExactLatencies()
        self.verdict: Verdict | None = None
        self._began_s = time.time()
        self._ended_s: float | None = None
        self._photos: PhotoStream | None = None
        self._photos_are_of: tuple[object, ...] = ()

    def begin(self, settings: LocustSettings, *, sends: bool) -> None:
        """Start a test.

        Args:
            settings: of this test; a worker gets them from its master.
            sends: whether this process sends photos, which takes a moment to prepare; a master does not.

        Raises:
            PayloadError: there are no photos to send.
        """
        self.settings = settings
        if sends:
            self.prepare_photos()
        self.latencies = ExactLatencies()
        self.verdict = None
        self._began_s, self._ended_s = time.time(), None

    def stop_clock(self) -> None:
        """Users begin no more requests; those on their way still count."""
        self._ended_s = time.time()

    def judge(self) -> None:
        """Reach a verdict, if there is an SLA."""
        if self.settings.sla:
            self.verdict = decide_closed_loop(
                self.latencies,
                sla=self.settings.sla,
                max_error_rate=self.settings.max_error_rate,
                judged_s=self.settings.clock.judged_s(self.elapsed_s),
                asked_for=self.settings.clock.asked_for(self.elapsed_s),
            )

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the test, until its end."""
        return (self._ended_s or time.time()) - self._began_s

    def prepare_photos(self) -> None:
        """Read or generate the photos, unless that was done already: it takes a moment, which is not the server's.

        Raises:
            PayloadError: there are none.
        """
        settings = self.settings
        wanted = (settings.photos, settings.seed, settings.duplicate_rate)
        if self._photos is None or self._photos_are_of != wanted:
            photos = (
                photos_of_folder(settings.photos) if settings.photos else generate_photos(Mix(), seed=settings.seed)
            )
            # Each process sends its own choice.
            seed = hash((settings.seed, os.getpid()))
            self._photos = PhotoStream(photos, duplicate_rate=settings.duplicate_rate, seed=seed)
            self._photos_are_of = wanted

    @property
    def photos(self) -> PhotoStream:
        """The photos of this process, prepared when a test began."""
        assert self._photos is not None
        return self._photos

    def record(self, *, started_s: float, latency_ms: float, error: BaseException | None) -> None:
        """Count a request.

        Args:
            started_s: when it began, in seconds since the epoch.
            latency_ms: until its answer was read.
            error: why it failed; None where it was answered.
        """
        at_s = started_s - self._began_s
        if not self.settings.clock.is_judged(at_s):
            self.latencies.ignored += 1
        elif error is None:
            self.latencies.record(latency_ms)
        else:
            self.latencies.record_error(type(error).__name__, str(error), at_s)
