"""From tritonserver's log to the one thing that went wrong: the model's own error instead of 200 lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# E1120 18:31:47.504 24046 model_lifecycle.cc:642] "failed to load 'm' version 1: Internal: ..."  (the text is
# JSON-escaped)
ERROR_LINE = re.compile(r"^E\d{4} \S+ \d+ \S+\] (?P<text>.*)$")
# Last words of a stub and of ONNX Runtime, which Triton repeats as an error unless it crashes first, as
# tritonserver 2.51 does half of the times that a warm-up fails.
ONNX_RUNTIME_FAILURE = re.compile(r"\[E:onnxruntime:[^\]]*\] (?P<text>[^\x1b]*)")
STUB_FAILURE = re.compile(r"^I\d{4} \S+ \d+ \S+\] \"Failed to initialize Python stub: (?P<text>.*)\"$")
LOAD_FAILURE = re.compile(r"^failed to load '(?P<model>[^']+)' version (?P<version>-?\d+): (?P<reason>.*)$", re.DOTALL)
LOADED = re.compile(r"successfully loaded '(?P<model>[^']+)'")
# [libprotobuf ERROR <file>:337] Error parsing text-format inference.ModelConfig: 1:19: ... has no field named
# "backnd".
PROTOBUF_ERROR = re.compile(r"^\[libprotobuf ERROR [^\]]*\] (?P<text>.*)$")
FATAL_LINE = re.compile(r"^error: (?P<text>.*)$")

# What Triton and Python put around the model's own words.
REASON_PREFIX = re.compile(r"^(?:(?:Internal|Invalid argument|Not found|Unavailable|TritonModelException): )+")
TRACEBACK_MARK = "\n\nAt:\n"

# Logged as errors on every machine without a GPU, or said again with the model's name.
NOISE = ("CudaDriverHelper", "ERROR: Failed to create instance", "NVML", "DCGM")


@dataclass(frozen=True)
class ModelFailure:
    """A model that did not load.

    Attributes:
        model: Its name.
        reason: Its own error, without Triton's wrapping and without a traceback.
        place: Innermost line of the traceback, `file(line): function`, if there was one.
    """

    model: str
    reason: str
    place: str | None


@dataclass(frozen=True)
class Diagnosis:
    """What a log tells about a failed start.

    Attributes:
        model_failures: Models that did not load, each once.
        other_errors: Everything else that was logged as an error, in order, noise left out.
    """

    model_failures: tuple[ModelFailure, ...]
    other_errors: tuple[str, ...]


def diagnose(log: str) -> Diagnosis:
    """Find the reasons of a failed start.

    Args:
        log: Text that tritonserver wrote since that start.

    Returns:
        The reasons; empty when the log names none.
    """
    failure_by_model: dict[str, ModelFailure] = {}
    other_errors: dict[str, None] = {}
    for message in _error_messages(log):
        load_failure = LOAD_FAILURE.match(message)
        if load_failure:
            failure = _model_failure(load_failure["model"], load_failure["reason"])
            failure_by_model.setdefault(failure.model, failure)
        elif not any(noise in message for noise in NOISE):
            other_errors[message] = None
    if not failure_by_model:
        other_errors |= dict.fromkeys(_last_words(log))
    return Diagnosis(tuple(failure_by_model.values()), tuple(other_errors))


def loaded_models(log: str) -> list[str]:
    """List the models that the log says are loaded, in that order, each once."""
    return list(dict.fromkeys(LOADED.findall(log)))


def read_log(path: Path, *, start: int = 0) -> str:
    """Read a log from a byte position on; an unreadable or missing log is empty."""
    try:
        with path.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _error_messages(log: str) -> Iterator[str]:
    for line in log.splitlines():
        error_line = ERROR_LINE.match(line)
        if error_line:
            yield _unescape(error_line["text"])
            continue
        plain = PROTOBUF_ERROR.match(line) or FATAL_LINE.match(line)
        if plain:
            yield plain["text"]


def _last_words(log: str) -> Iterator[str]:
    for line in log.splitlines():
        stub_failure = STUB_FAILURE.match(line)
        if stub_failure:
            reason, _ = _split_reason(_unescape(f'"{stub_failure["text"]}"'))
            yield reason
        onnx_runtime_failure = ONNX_RUNTIME_FAILURE.search(line)
        if onnx_runtime_failure:
            yield onnx_runtime_failure["text"]


def _unescape(text: str) -> str:
    try:
        return str(json.loads(text, strict=False))
    except ValueError:  # some lines are logged without quotes
        return text.strip()


def _model_failure(model: str, text: str) -> ModelFailure:
    reason, places = _split_reason(text)
    return ModelFailure(model, reason, places[0] if places else None)


def _split_reason(text: str) -> tuple[str, list[str]]:
    """Part the model's own words from the lines of the traceback behind them."""
    reason, _, traceback = REASON_PREFIX.sub("", text).partition(TRACEBACK_MARK)
    return reason.strip(), [line.strip() for line in traceback.splitlines() if line.strip()]
