import httpcore2
import pytest

from genod_client.errors import DeadlineExceededError, GenODError, ServerError, Status, UnavailableError
from genod_client.transports.http_errors import (
    STATUS_OF_CODE,
    STATUS_OF_EXCEPTION,
    error_from_response,
    httpcore_errors_as_ours,
)

EXCEPTIONS = [value for value in vars(httpcore2).values() if isinstance(value, type) and issubclass(value, Exception)]


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda exception: exception.__name__)
def test_every_exception_of_httpcore2_becomes_one_of_ours(exception):
    with (
        pytest.raises(GenODError, match="HTTP to host:8000: because") as caught,
        httpcore_errors_as_ours("host:8000"),
    ):
        raise exception("because")
    expected: type[GenODError] = ServerError
    if issubclass(exception, httpcore2.TimeoutException):
        expected = DeadlineExceededError
    elif not issubclass(exception, (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol)) and (
        exception is not httpcore2.ProtocolError
    ):
        expected = UnavailableError
    assert type(caught.value) is expected
    assert isinstance(caught.value.__cause__, exception)


def test_there_are_exceptions_to_map():
    assert len(EXCEPTIONS) >= 14


def test_more_specific_exceptions_come_first():
    seen: list[type[Exception]] = []
    for exception in STATUS_OF_EXCEPTION:
        assert not any(issubclass(exception, earlier) for earlier in seen), f"{exception} is never reached"
        seen.append(exception)


def test_other_exceptions_pass():
    with pytest.raises(KeyboardInterrupt), httpcore_errors_as_ours("host:8000"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("code", STATUS_OF_CODE)
def test_a_status_code_has_the_status_that_triton_means(code):
    error = error_from_response(code, b'{"error": "text"}')
    if STATUS_OF_CODE[code] is Status.UNAVAILABLE:
        assert type(error) is UnavailableError
    else:
        assert isinstance(error, ServerError)
        assert error.status == STATUS_OF_CODE[code].name
    assert str(error) == "text"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "HTTP 500: no explanation"),
        (b"<html>\xff" + b"x" * 999, "HTTP 500: <html>\ufffdx"),
        (b"[1]", r"HTTP 500: \[1\]"),
        (b'{"message": "other"}', 'HTTP 500: {"message": "other"}'),
    ],
)
def test_a_body_in_another_form_is_quoted_in_part(body, message):
    with pytest.raises(ServerError, match=message) as caught:
        raise error_from_response(500, body)
    assert len(str(caught.value)) < 250
