"""One inference on sample values, and what its failure means."""

from __future__ import annotations

import time

from serving.errors import (
    DeadStubError,
    ForbiddenError,
    ModelNotServedError,
    ModelRefusedError,
    OverloadedError,
    ProbeError,
    ServiceBrokenError,
)
from serving.probes.sample import sample_request
from serving.probes.triton_http import RESTRICTED_KEY_VARIABLE, Answer, TritonHttp

# What tritonserver answers; compared in lower case.
DEAD_STUB_MARK = "is not healthy"
OVERLOAD_MARKS = ("exceeds maximum queue size", "request timeout expired")
NOT_SERVED_MARKS = ("unknown model", "is not ready", "not found")


def probe_model(http_url: str, model: str, *, timeout_s: float, server: TritonHttp | None = None) -> None:
    """Run one inference on sample values: a small PNG for every BYTES element, zeros for every number.

    Args:
        http_url: ``host:port`` of HTTP.
        model: Model or ensemble; an ensemble tests every model in it.
        timeout_s: How long the whole probe may take.
        server: How to reach it, instead of ``http_url``.

    Raises:
        ModelRefusedError: The model is alive and answered an error, for example because it wants other
            values (this class itself), because its queue was full (OverloadedError), it is not there
            (ModelNotServedError) or restricted (ForbiddenError).
        ServiceBrokenError: No answer in time, no connection, or the model's process is dead (DeadStubError).
    """
    server = server or TritonHttp(http_url)
    who = f"model '{model}' at {server.address}"
    deadline = time.monotonic() + timeout_s
    try:
        described = server.ask("GET", server.model_path(model), timeout_s=timeout_s)
        if described.status == 200:
            headers, body = sample_request(described.json())
            left_s = max(0.001, deadline - time.monotonic())
            answer = server.ask("POST", server.model_path(model, "infer"), timeout_s=left_s, body=body, headers=headers)
        else:
            answer = described
    except ServiceBrokenError as error:
        raise type(error)(f"{who} gave no answer within {round(timeout_s, 1):g} s: {error}") from error
    if answer.status != 200:
        raise failure_of(answer, who)


def failure_of(answer: Answer, who: str) -> ProbeError:
    """Tell from Triton's words what an error answer means.

    Args:
        answer: An answer whose status is not 200.
        who: Subject of the message.
    """
    text = answer.error.lower()
    kind: type[ProbeError] = ModelRefusedError
    if DEAD_STUB_MARK in text:
        kind = DeadStubError
    elif any(mark in text for mark in OVERLOAD_MARKS) or answer.status == 429:
        kind = OverloadedError
    elif any(mark in text for mark in NOT_SERVED_MARKS):
        kind = ModelNotServedError
    elif answer.status == 403:
        return ForbiddenError(f"{who} is restricted; {RESTRICTED_KEY_VARIABLE} has no key, or another one")
    return kind(f"{who} answered: {answer.error}")
