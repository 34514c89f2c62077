import pickle
import re

import pytest

from genod_client import errors
from genod_client.errors import (
    DeadlineExceededError,
    GenODError,
    ImageRefusedError,
    InvalidInputError,
    ServerError,
    ServerOverloadedError,
    Status,
    UnavailableError,
    error_from_status,
)


def subclasses(cls):
    return {cls, *(found for child in cls.__subclasses__() for found in subclasses(child))}


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    drawn = {}  # name -> parent's name
    parents: dict[int, str] = {}  # column -> name of the last class drawn there
    for line in errors.__doc__.splitlines():
        if match := re.match(r"([ │├└─]*)(\w+Error)\b", line):
            column = len(match[1])
            parents = {at: name for at, name in parents.items() if at < column}
            drawn[match[2]] = parents[max(parents)] if parents else None
            parents[column] = match[2]
    real = {
        child.__name__: cls.__name__
        for cls in subclasses(GenODError)
        for child in cls.__subclasses__()
        if child.__module__.startswith("genod_client.")  # others may derive their own
    }
    assert drawn == {"GenODError": None, **real}


@pytest.mark.parametrize("reason", ["not_an_image", "too_many_pixels", "mixed_orientations"])
@pytest.mark.parametrize("status", [Status.INVALID_ARGUMENT, Status.INTERNAL])
def test_a_refused_image_gives_the_reason_whatever_status_the_server_chose(reason, status):
    error = error_from_status(status, f"in ensemble 'detect', image refused ({reason}): because")
    assert isinstance(error, ImageRefusedError)
    assert error.reason == reason
    assert str(error) == f"image refused ({reason}): because"


@pytest.mark.parametrize(
    "text",
    [
        "[request id: <id_unknown>] Exceeds maximum queue size",  # both as tritonserver 2.51 says it
        "in ensemble 'detect', Request timeout expired",
    ],
)
def test_a_queue_that_rejects_is_overload(text):
    error = error_from_status(Status.UNAVAILABLE, text)
    assert type(error) is ServerOverloadedError


@pytest.mark.parametrize("status", Status)
def test_every_status_becomes_an_error_of_the_tree(status):
    error = error_from_status(status, "text")
    expected = {Status.UNAVAILABLE: UnavailableError, Status.DEADLINE_EXCEEDED: DeadlineExceededError}
    assert type(error) is expected.get(status, ServerError)
    assert str(error) == "text"
    if type(error) is ServerError:
        assert error.status == status.name


def test_errors_are_also_what_python_programmers_catch():
    assert issubclass(InvalidInputError, ValueError)
    assert issubclass(DeadlineExceededError, TimeoutError)


def test_errors_survive_pickling_with_their_attributes():
    refused = pickle.loads(pickle.dumps(ImageRefusedError("text", "empty")))
    assert (str(refused), refused.reason) == ("text", "empty")
    failed = pickle.loads(pickle.dumps(ServerError("text", "NOT_FOUND")))
    assert (str(failed), failed.status) == ("text", "NOT_FOUND")


def test_the_reasons_that_the_docstring_lists_are_those_of_the_server(repo_root):
    server = (repo_root / "model_repository" / "preprocess" / "1" / "image_refused.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'^    [A-Z_]+ = "(\w+)"$', server, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", ImageRefusedError.__doc__ or "")) == reasons
