"""Callers that call without pause, and what became of each call."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException

import numpy as np
from tritonclient.utils import InferenceServerException

from tests.serving.calls import column, infer_grpc, infer_http


@dataclass(frozen=True)
class Outcome:
    """How one call ended."""

    started_s: float
    duration_s: float
    error: str | None


class Load:
    """Calls `detect_toy` from several threads, half over HTTP, half over gRPC, during the `with` block."""

    def __init__(self, http_url: str, grpc_url: str, *, callers: int, timeout_s: float = 30) -> None:
        self.timeout_s = timeout_s
        self.outcomes: list[Outcome] = []
        self._over = threading.Event()
        calls: list[tuple[Callable, str]] = [(infer_http, http_url), (infer_grpc, grpc_url)]
        self._threads = [
            threading.Thread(target=self._run, args=calls[caller % 2], daemon=True) for caller in range(callers)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(self.timeout_s + 10)
        hung = [thread.name for thread in self._threads if thread.is_alive()]
        assert not hung, f"{len(hung)} callers never came back"

    @property
    def errors(self) -> list[str]:
        return [outcome.error for outcome in self.outcomes if outcome.error]

    @property
    def success_count(self) -> int:
        return len(self.outcomes) - len(self.errors)

    def successes_since(self, started_s: float) -> int:
        return sum(outcome.error is None and outcome.started_s >= started_s for outcome in self.outcomes)

    def _run(self, infer: Callable, url: str) -> None:
        while not self._over.is_set():
            started_s = time.monotonic()
            error = None
            try:
                answer = infer(url, "detect_toy", {"x": column(3)}, ["y"], timeout_s=self.timeout_s)
                np.testing.assert_allclose(answer["y"], [[6]], rtol=1e-5)
            except (InferenceServerException, OSError, HTTPException) as failure:
                error = str(failure) or repr(failure)
                time.sleep(0.05)
            self.outcomes.append(Outcome(started_s, time.monotonic() - started_s, error))
