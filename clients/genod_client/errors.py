"""Every error that this package raises on purpose.

::

    GenODError
    ├── InvalidInputError        an argument is wrong; nothing was sent       (also a ValueError)
    ├── ClientClosedError        the client was closed before the call
    ├── UnavailableError         no server answered, or it is not ready       RETRIED
    │   └── ServerOverloadedError    its queues are full or too slow          RETRIED
    ├── DeadlineExceededError    the time budget of the call is used up       (also a TimeoutError)
    ├── ImageRefusedError        the server refuses this image: `.reason`
    ├── ServerError              the server answered with another error: `.status`
    │   └── EnsembleMissingError     it has no such ensemble: `.available` is what it has
    ├── EmbedderMismatchError    hashes of two embedders are never compared   (also a ValueError)
    └── UnexpectedResponseError  the answer is not what the ensemble promises

Errors of grpc and of httpcore2 never leave this package: `transports.grpc_errors` and
`transports.http_errors` turn each of them into a `Status`, and `error_from_status` turns that into an error
of the tree. So both protocols raise the same error for the same cause.
"""

from __future__ import annotations

import re
from enum import Enum


class GenODError(Exception):
    """Base of all errors of this package."""


class InvalidInputError(GenODError, ValueError):
    """An argument is wrong, or a file cannot be read. Nothing was sent."""


class ClientClosedError(GenODError):
    """The client was closed; make a new one."""


class UnavailableError(GenODError):
    """No server answered, or the one that did cannot serve now. Worth another try later.

    Attributes:
        attempts: how many times the client tried before giving up.
    """

    attempts: int = 1


class ServerOverloadedError(UnavailableError):
    """The server rejects requests because too many wait. Send fewer at a time, or add servers."""


class DeadlineExceededError(GenODError, TimeoutError):
    """The time budget of the call, retries included, was used up."""


class ImageRefusedError(GenODError):
    """The server refuses this image; sending it again is pointless.

    Attributes:
        reason: a code that is safe to branch on: `not_an_image`, `unsupported_format`, `too_many_bytes`,
            `too_many_pixels`, `broken_image`, `empty` or `mixed_orientations`. A newer server may know more.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ServerError(GenODError):
    """The server answered with an error that is none of the others.

    Attributes:
        status: the name of the gRPC status, also when the answer came over HTTP, e.g. `NOT_FOUND`.
    """

    def __init__(self, message: str, status: str = "UNKNOWN") -> None:
        super().__init__(message)
        self.status = status


class EnsembleMissingError(ServerError):
    """The server does not have the ensemble that the call needs: its release is older, or serves others.

    Attributes:
        available: names of the models that it has, ascending; empty where it does not tell.
    """

    def __init__(self, message: str, status: str = "NOT_FOUND", available: tuple[str, ...] = ()) -> None:
        super().__init__(message, status)
        self.available = available


class EmbedderMismatchError(GenODError, ValueError):
    """Hashes or embeddings of two versions of the embedder were compared: their distance means nothing."""


class UnexpectedResponseError(GenODError):
    """The answer does not follow the contract of its ensemble: another server, or an incompatible one."""


class Status(Enum):
    """How a call failed, in the vocabulary of gRPC, which Triton uses for both protocols."""

    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    DATA_LOSS = "DATA_LOSS"


# The two places where only the text tells: Triton gives models no error codes of their own, and it has one
# code for "not ready" and "overloaded". The texts are of the model `preprocess` and of Triton's queue
# policies.
_IMAGE_REFUSED = re.compile(r"image refused \((?P<reason>\w+)\)")
_OVERLOADED = re.compile(r"exceeds maximum queue size|request timeout expired", re.IGNORECASE)


def error_from_status(status: Status, message: str) -> GenODError:
    """Return the error of the tree for a failed call.

    Args:
        status: how the call failed.
        message: what the server or the library below says; kept as the error's text.
    """
    if refused := _IMAGE_REFUSED.search(message):
        return ImageRefusedError(message[refused.start() :], refused["reason"])
    if status is Status.UNAVAILABLE:
        return ServerOverloadedError(message) if _OVERLOADED.search(message) else UnavailableError(message)
    if status is Status.DEADLINE_EXCEEDED:
        return DeadlineExceededError(message)
    return ServerError(message, status.value)
