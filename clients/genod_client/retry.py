"""How long a call may take, and how often it is tried."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from genod_client.errors import DeadlineExceededError, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When the server is unavailable or overloaded: how often to try again. No other error is retried.

    The n-th pause is a random part, between one half and the whole, of `first_pause_s * 2**(n-1)`, at most
    `longest_pause_s`. The randomness keeps clients that failed together from coming back together.
    """

    max_attempts: int = 4
    """Tries in all; 1 switches retrying off."""
    first_pause_s: float = 0.25
    """Upper bound of the first pause, seconds. With less, gRPC may still be in a pause of its own."""
    longest_pause_s: float = 2.0
    """Upper bound of every pause, seconds."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InvalidInputError(f"max_attempts must be 1 or more, not {self.max_attempts}; 1 means no retries.")
        if not 0 <= self.first_pause_s <= self.longest_pause_s:
            raise InvalidInputError(
                "Pauses must satisfy 0 <= first_pause_s <= longest_pause_s, "
                f"not {self.first_pause_s} and {self.longest_pause_s}."
            )

    def pause_s(self, attempt: int) -> float:
        """Return how many seconds to wait after the given failed attempt, counted from 1."""
        longest_s = min(self.first_pause_s * 2.0 ** (attempt - 1), self.longest_pause_s)
        return longest_s * random.uniform(0.5, 1.0)


DEFAULT_RETRY_POLICY = RetryPolicy()


class Deadline:
    """The moment at which a call must be over, whether it sends, waits or pauses then."""

    __slots__ = ("_expires_at_s", "timeout_s")

    def __init__(self, timeout_s: float) -> None:
        """Start the clock.

        Args:
            timeout_s: seconds from now.

        Raises:
            InvalidInputError: it is not a finite positive number.
        """
        if not 0 < timeout_s < float("inf"):
            raise InvalidInputError(f"timeout_s must be a positive number of seconds, not {timeout_s!r}.")
        self.timeout_s = timeout_s
        self._expires_at_s = time.monotonic() + timeout_s

    def seconds_left(self) -> float:
        """Return the seconds left; zero or less when it is over."""
        return self._expires_at_s - time.monotonic()

    def error(self) -> DeadlineExceededError:
        """Return the error that says that this deadline has passed."""
        return DeadlineExceededError(
            f"The call did not finish within its {self.timeout_s:g} s. "
            "Give it more with timeout_s, or look at the server's load."
        )
