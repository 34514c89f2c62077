"""Waits until a server has dealt with what an overload has left behind."""

from __future__ import annotations

import time

from genod_client import GenODClient, GenODError, RetryPolicy, UnavailableError
from loadtest.interrupt import Interrupt
from loadtest.open_loop.load import ServerAddress

_PAUSE_S = 0.5


def wait_until_settled(
    address: ServerAddress,
    photo: bytes,
    *,
    good_ms: float,
    timeout_s: float,
    give_up_after_s: float,
    refused_s: float,
    interrupt: Interrupt,
) -> bool:
    """Ask for one photo after the other until an answer comes fast.

    Args:
        address: whom to ask.
        photo: what to send.
        good_ms: an answer within this time means that nothing is queued any more.
        timeout_s: of one request.
        give_up_after_s: how long to try.
        refused_s: a server that refuses connections for this long is not busy but gone.
        interrupt: ends the wait.

    Returns:
        False where the server is gone; True else, however slow it is.
    """
    deadline_s = time.monotonic() + give_up_after_s
    refused_since_s: float | None = None
    with GenODClient(
        address.url,
        model=address.model,
        headers=address.headers,
        ca_certificate=address.ca_certificate,
        retry_policy=RetryPolicy(max_attempts=1),
    ) as client:
        while time.monotonic() < deadline_s and not interrupt.count:
            started_s = time.monotonic()
            try:
                client.detect(photo, timeout_s=timeout_s)
            except UnavailableError:
                refused_since_s = refused_since_s or started_s
                if time.monotonic() - refused_since_s > refused_s:
                    return False
                time.sleep(_PAUSE_S)
                continue
            except TimeoutError:  # it has much to do
                continue
            except GenODError:  # an answer, too; the step will count it
                pass
            refused_since_s = None
            if (time.monotonic() - started_s) * 1e3 <= good_ms:
                break
    return True
