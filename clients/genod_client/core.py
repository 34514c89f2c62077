"""The client's logic without any I/O: what to send, when to try again, what the answers mean.

Each method is a generator, a *flow*: it yields `Send` and `Pause` effects, is resumed with the reply or the
error of the effect, and returns the result. `GenODClient` and `AsyncGenODClient` only carry the effects out,
so there is one body of logic for both.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from genod_client.answer import OUTPUTS, Answer
from genod_client.boxes import require_within
from genod_client.errors import (
    DeadlineExceededError,
    EnsembleMissingError,
    GenODError,
    ServerError,
    Status,
    UnavailableError,
    UnexpectedResponseError,
)
from genod_client.operations import CheckReady, Infer, InferReply, ListModels, ModelRef, Operation, ReadParameters
from genod_client.results import Box, Detections, ImageSize
from genod_client.retry import Deadline, RetryPolicy
from genod_client.taxonomy import NO_CLASSES, Taxonomy
from genod_client.tensors import Tensor, float32_tensor

if TYPE_CHECKING:
    from genod_client.embedder_description import EmbedderDescription
    from genod_client.embedding_results import Embeddings, VisualSearch

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
    """The flows of one client, and the taxonomy and the descriptions that it has read.

    Safe to share between threads: what is remembered is replaced whole. Two threads that miss a class at the
    same moment both read the taxonomy, and either result is right.
    """

    def __init__(
        self,
        *,
        model: ModelRef,
        retry_policy: RetryPolicy,
        visual_search_model: ModelRef | None = None,
        embed_model: ModelRef | None = None,
    ) -> None:
        self._model = model
        # A release serves all of its ensembles under one version.
        self._visual_search_model = visual_search_model or replace(model, name="visual_search")
        self._embed_model = embed_model or replace(model, name="embed")
        self._retry_policy = retry_policy
        self._taxonomy = NO_CLASSES
        self._description_of: Mapping[ModelRef, EmbedderDescription] = {}

    def detect(self, image: bytes, deadline: Deadline) -> Flow[Detections]:
        """Run the model on the bytes of an image file, and name what it finds."""
        reply = yield from self._send(Infer(self._model, image, OUTPUTS), deadline)
        answer = Answer(reply)
        if answer.unknown_ids(self._taxonomy):
            # The first answer, or the first with a class of a newer release.
            yield from self.read_taxonomy(deadline)
        return answer.with_names(self._taxonomy)

    def visual_search(self, image: bytes, deadline: Deadline) -> Flow[VisualSearch]:
        """Detect in the bytes of an image file, and embed the best objects."""
        # Not at the top: a fifth of this package's import time, for what most programs do not call.
        from genod_client.embedder_answer import VISUAL_SEARCH_OUTPUTS, visual_search_result

        model = self._visual_search_model
        reply = yield from self._ask_embedder(model, image, VISUAL_SEARCH_OUTPUTS, {}, deadline)
        description = yield from self._describe(model, reply, deadline)
        return visual_search_result(reply, description)

    def embed(self, image: bytes, boxes: tuple[Box, ...], deadline: Deadline) -> Flow[Embeddings]:
        """Embed boxes in the bytes of an image file."""
        from genod_client.embedder_answer import embed_result  # see visual_search

        model = self._embed_model
        coordinates = float32_tensor((1, len(boxes), 4), (coordinate for box in boxes for coordinate in box))
        # All outputs: which attributes there are differs between releases, and every version knows its own.
        reply = yield from self._ask_embedder(model, image, (), {"boxes": coordinates}, deadline)
        description = yield from self._describe(model, reply, deadline)
        embeddings = embed_result(reply, boxes, description)
        # Again, by the size that the server saw: there are photos whose size the client cannot tell.
        require_within(boxes, ImageSize(*embeddings.image_size))
        return embeddings

    def _ask_embedder(
        self, model: ModelRef, image: bytes, outputs: tuple[str, ...], inputs: Mapping[str, Tensor], deadline: Deadline
    ) -> Flow[InferReply]:
        """Run an ensemble that older servers lack."""
        try:
            reply = yield from self._send(Infer(model, image, outputs, inputs), deadline)
        except ServerError as error:
            if error.status == Status.NOT_FOUND.value:
                yield from self._explain_missing(model, error, deadline)
            raise
        return reply

    def _explain_missing(self, model: ModelRef, error: ServerError, deadline: Deadline) -> Flow[None]:
        """Raise the error for an ensemble that the server does not have, with what it has instead."""
        try:
            available = yield Send(ListModels(model), deadline.seconds_left())
            what_is_there = f"has {', '.join(available) or 'no model at all'}"
        except GenODError as index_error:  # operators may restrict this API
            available = ()
            what_is_there = f"does not tell what it has ({index_error})"
        raise EnsembleMissingError(
            f"The server has no ensemble {model.name!r}{f' in version {model.version}' if model.version else ''}; "
            f"it {what_is_there}. A release without an embedder answers `detect` only: deploy one with an embedder. "
            f"(The server's words: {error})",
            error.status,
            available,
        ) from error

    def _describe(self, model: ModelRef, reply: InferReply, deadline: Deadline) -> Flow[EmbedderDescription]:
        """Return what the very version that answered says about itself; a released version never changes."""
        from genod_client.embedder_description import EmbedderDescription  # see visual_search

        answered = replace(model, version=reply.model_version)
        if (known := self._description_of.get(answered)) is not None:
            return known
        try:
            parameters = yield from self._send(ReadParameters(answered), deadline)
        except ServerError as error:
            if error.status != Status.NOT_FOUND.value:
                raise
            raise UnexpectedResponseError(
                f"Version {answered.version} of ensemble {answered.name!r} answered, but cannot be asked about itself: "
                "a release is being switched, or servers of two releases share this address. Try again."
            ) from error
        description = EmbedderDescription.from_parameters(model.name, parameters)
        self._description_of = {**self._description_of, answered: description}
        return description

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
