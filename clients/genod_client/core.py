"""The client's logic without any I/O: what to send, when to try again, what the answers mean.

Each method is a generator, a *flow*: it yields `Send` and `Pause` effects, is resumed with the reply or the
error of the effect, and returns the result. `GenODClient` and `AsyncGenODClient` only carry the effects out,
so there is one body of logic for both.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from genod_client.answer import OUTPUTS, Answer
from genod_client.errors import DeadlineExceededError, UnavailableError, UnexpectedResponseError
from genod_client.operations import CheckReady, Infer, ModelRef, Operation, ReadParameters
from genod_client.results import Detections
from genod_client.retry import Deadline, RetryPolicy
from genod_client.taxonomy import NO_CLASSES, Taxonomy

ReplyT = TypeVar("ReplyT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: send an operation, wait for its reply at most `timeout_s` seconds, resume the flow with it."""

    operation: Operation[Any]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Effect: resume the flow after some seconds."""

    seconds: float


Flow: TypeAlias = Generator[Send | Pause, Any, ResultT]


class ClientCore:
    """The flows of one client, and the taxonomy that it has read.

    Safe to share between threads: the only state is one reference, replaced whole. Two threads that miss a
    class at the same moment both read the taxonomy, and either result is right.
    """

    def __init__(self, *, model: ModelRef, retry_policy: RetryPolicy) -> None:
        self._model = model
        self._retry_policy = retry_policy
        self._taxonomy = NO_CLASSES

    def detect(self, image: bytes, deadline: Deadline) -> Flow[Detections]:
        """Run the model on the bytes of an image file, and name what it finds."""
        reply = yield from self._send(Infer(self._model, image, OUTPUTS), deadline)
        answer = Answer(reply)
        if answer.unknown_ids(self._taxonomy):
            # The first answer, or the first with a class of a newer release.
            yield from self.read_taxonomy(deadline)
        return answer.with_names(self._taxonomy)

    def read_taxonomy(self, deadline: Deadline) -> Flow[Taxonomy]:
        """Read the classes from the model's configuration, and remember them."""
        parameters = yield from self._send(ReadParameters(self._model), deadline)
        if "taxonomy" not in parameters:
            raise UnexpectedResponseError(
                f"The configuration of model {self._model.name!r} has no parameter `taxonomy`; "
                f"it has {sorted(parameters)}."
            )
        self._taxonomy = Taxonomy.from_json(parameters["taxonomy"])
        return self._taxonomy

    def is_ready(self, deadline: Deadline) -> Flow[bool]:
        """Ask once, without retries, whether the model may be called."""
        try:
            ready: bool = yield Send(CheckReady(self._model), deadline.seconds_left())
        except (UnavailableError, DeadlineExceededError):
            return False
        return ready

    def _send(self, operation: Operation[ReplyT], deadline: Deadline) -> Flow[ReplyT]:
        """Send until there is a reply, an error other than UNAVAILABLE, or no attempt or time left."""
        last_error: UnavailableError | None = None
        attempt = 0
        while True:
            attempt += 1
            seconds_left = deadline.seconds_left()
            if seconds_left <= 0:
                raise deadline.error() from last_error
            try:
                reply: ReplyT = yield Send(operation, seconds_left)
                return reply
            except DeadlineExceededError as error:
                raise deadline.error() from last_error or error
            except UnavailableError as error:
                error.attempts = attempt
                pause_s = self._retry_policy.pause_s(attempt)
                # Rather the server's own words now than "out of time" after a pause that cannot help.
                if attempt >= self._retry_policy.max_attempts or pause_s >= deadline.seconds_left():
                    raise
                last_error = error
            yield Pause(pause_s)
