"""What the last probe of a model says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Outcome = Literal[
    "answered",  # the inference gave its outputs
    "busy",  # no answer in time, but the server goes on answering others
    "overloaded",  # refused by a full queue, and the server goes on answering others
    "refused",  # an error about the request, from a model that is alive
    "failing",  # errors only, from a model that has answered the same request before
    "stalled",  # no answer in time, or a full queue, and nobody else is answered either
    "dead_stub",  # the model's process is gone
    "not_served",  # the server has no such model, or is still loading it
    "forbidden",  # the API is restricted and the probe's key is not right
    "unreachable",  # nobody listens, or the connection broke
    "pending",  # no probe has ended yet
]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

# Being busy is no reason to be restarted: a restart would only add its own load time to the overload.
ALIVE: frozenset[Outcome] = frozenset({"answered", "busy", "overloaded", "refused"})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Outcome of one probe."""

    outcome: Outcome
    reason: str
    """One line, without the model's name."""
    duration_s: float
    ended_s: float
    """Monotonic time."""

    @property
    def is_alive(self) -> bool:
        """Whether the model does its work, however slowly."""
        return self.outcome in ALIVE
