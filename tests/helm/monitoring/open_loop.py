"""Callers who do not wait for each other: requests come at their rate, however long answers take."""

import threading
import time

import tritonclient.grpc as triton_grpc

from tests.serving.calls import column


class OpenLoop:
    """Calls `detect` over gRPC at a steady rate during the `with` block; the rate may be changed at any time.

    Attributes:
        rate_per_s: Requests per second.
        answered: Calls that have ended well.
        failed: Calls that have ended in an error.
    """

    def __init__(self, url: str, *, rate_per_s: float) -> None:
        self.rate_per_s = rate_per_s
        self.answered = 0
        self.failed = 0
        self._client = triton_grpc.InferenceServerClient(url)
        self._input = triton_grpc.InferInput("x", [1, 1], "FP32")
        self._input.set_data_from_numpy(column(3))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "OpenLoop":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        self._client.close()

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._over.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + 1 / self.rate_per_s, time.monotonic() - 1)
            self._client.async_infer("detect", [self._input], self._count)

    def _count(self, result: object, error: Exception | None) -> None:
        if error is None:
            self.answered += 1
        else:
            self.failed += 1
