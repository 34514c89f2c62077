"""Short questions to one Triton over HTTP, each on a connection of its own."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from serving.errors import ServiceBrokenError, ServingError

RESTRICTED_KEY_VARIABLE = "GENOD_RESTRICTED_KEY"


class NoAnswerInTimeError(ServiceBrokenError):
    """The server took the connection but gave no answer in time: hung, or only very busy."""


@dataclass(frozen=True)
class Answer:
    """Status and body of one HTTP answer."""

    status: int
    body: bytes

    @property
    def error(self) -> str:
        """What Triton says about a failure, in one line."""
        try:
            text = str(json.loads(self.body)["error"])
        except (ValueError, KeyError, TypeError):
            text = self.body.decode(errors="replace")
        return " ".join(text.split()) or f"status {self.status} without a reason"

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ServiceBrokenError: It is none.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServiceBrokenError(f"the server answered no JSON: {self.body[:80]!r}") from error


@dataclass(frozen=True)
class TritonHttp:
    """One server.

    No connection outlives its question: on SIGTERM tritonserver waits for idle connections as for requests, so a
    probe with a kept connection would use up the time to drain.
    """

    address: str
    """``host:port`` of HTTP."""
    headers: Mapping[str, str] = field(default_factory=lambda: restricted_header(os.environ))
    """Sent with every question; by default the key of restricted APIs, if the environment has one."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask one question.

        Args:
            method: ``GET`` or ``POST``.
            path: Absolute path.
            timeout_s: Time for connection, sending and the whole answer together.
            body: What is sent.
            headers: Further headers.

        Raises:
            NoAnswerInTimeError: Nothing, or not all, came in time.
            ServiceBrokenError: No connection, or one that broke.
        """
        deadline = time.monotonic() + timeout_s
        connection = HTTPConnection(self.address, timeout=timeout_s)
        try:
            connection.connect()
            _limit(connection, deadline)
            connection.request(method, path, body, {**self.headers, **(headers or {}), "Connection": "close"})
            _limit(connection, deadline)
            response = connection.getresponse()
            content = b""
            while chunk := response.read1():
                content += chunk
                _limit(connection, deadline)
            return Answer(response.status, content)
        except TimeoutError as error:
            raise NoAnswerInTimeError(f"{self.address} was silent") from error
        except (OSError, HTTPException) as error:
            raise ServiceBrokenError(f"{self.address}: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()

    def model_path(self, model: str, what: str = "") -> str:
        """Path of a model's metadata, or of its ``what``: ``infer``, ``stats``, ``ready``, ``config``."""
        return f"/v2/models/{quote(model, safe='')}" + (f"/{what}" if what else "")


def restricted_header(environment: Mapping[str, str]) -> dict[str, str]:
    """The header that opens restricted APIs, from ``GENOD_RESTRICTED_KEY``.

    Args:
        environment: Where the variable is looked up; its value has the form that tritonserver's
            ``--http-restricted-api=<apis>:<name>=<value>`` ends with: ``<name>=<value>``.

    Returns:
        One header, or none where the variable is not set.

    Raises:
        ServingError: The variable has another form.
    """
    given = environment.get(RESTRICTED_KEY_VARIABLE, "")
    return dict([parse_restricted_key(given)]) if given else {}


def parse_restricted_key(given: str) -> tuple[str, str]:
    """Split ``<name>=<value>``.

    Raises:
        ServingError: It has another form. The value is a secret and is not repeated.
    """
    name, separator, value = given.strip().partition("=")
    if not (separator and value and re.fullmatch(r"[A-Za-z0-9_.-]+", name) and value.isprintable()):
        raise ServingError(
            f"{RESTRICTED_KEY_VARIABLE} must be <name>=<value>, as --http-restricted-api=<apis>:<name>=<value> has it,"
            f" got a text of {len(given)} characters of another form"
        )
    return name, value


def _limit(connection: HTTPConnection, deadline: float) -> None:
    """Leave to the next operation what is left of the whole time."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    if connection.sock is not None:
        connection.sock.settimeout(left_s)
