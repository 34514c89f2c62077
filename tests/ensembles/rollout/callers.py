"""Callers over HTTP and gRPC who never pause and remember every answer."""

import random
import time
from dataclasses import dataclass

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http

from tests.background_threads import BackgroundThreads
from tests.ensembles.rollout.toy_releases import NAME

X_VALUES = [float(value) for value in range(6)]
"""Few, so that the response cache answers most calls."""


@dataclass(frozen=True)
class Answer:
    started_s: float
    ended_s: float
    x: float
    y: float | None
    """None where the call failed."""
    version: str
    error: str = ""

    @property
    def release(self) -> int:
        assert self.y is not None
        return round((self.y - self.x) / 1000)


class Callers(BackgroundThreads):
    """`count` threads, half over each protocol, during the `with` block."""

    def __init__(self, http_url: str, grpc_url: str, *, count: int, fresh: bool = False) -> None:
        """With `fresh` no two calls are equal, so that the response cache never answers."""
        super().__init__()
        self._urls = (http_url, grpc_url)
        self._fresh = fresh
        self.answers_per_caller: list[list[Answer]] = [[] for _ in range(count)]
        for caller, answers in enumerate(self.answers_per_caller):
            self.add(self._run, caller, answers)

    @property
    def answers(self) -> list[Answer]:
        return [answer for answers in self.answers_per_caller for answer in answers]

    @property
    def errors(self) -> list[str]:
        return [answer.error for answer in self.answers if answer.y is None]

    def wait_for_calls(self, count: int) -> None:
        """Return once every caller has made so many more calls."""
        wanted = [len(answers) + count for answers in self.answers_per_caller]
        deadline = time.monotonic() + 60
        while any(len(answers) < some for answers, some in zip(self.answers_per_caller, wanted, strict=True)):
            assert time.monotonic() < deadline, "callers hang"
            time.sleep(0.01)

    def _run(self, caller: int, answers: list[Answer]) -> None:
        protocol = (triton_http, triton_grpc)[caller % 2]
        choose = random.Random(caller)
        client = protocol.InferenceServerClient(self._urls[caller % 2])
        try:
            while not self._over.is_set():
                x = choose.random() * 100 if self._fresh else choose.choice(X_VALUES)
                answers.append(_call(client, protocol, x))
        finally:
            client.close()


def _call(client, protocol, x: float) -> Answer:
    tensor = protocol.InferInput("x", [1, 1], "FP32")
    tensor.set_data_from_numpy(np.array([[x]], dtype=np.float32))
    started_s = time.monotonic()
    try:
        result = client.infer(NAME, [tensor])
    except Exception as error:
        return Answer(started_s, time.monotonic(), x, None, "", f"{type(error).__name__}: {error}")
    response = result.get_response()
    version = response["model_version"] if isinstance(response, dict) else response.model_version
    return Answer(started_s, time.monotonic(), x, float(result.as_numpy("y").item()), version)


def percentile_ms(answers: list[Answer], percent: float) -> float:
    durations = [1000 * (answer.ended_s - answer.started_s) for answer in answers]
    return float(np.percentile(durations, percent)) if durations else float("nan")
