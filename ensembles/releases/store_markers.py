"""Who is at work in a store, so that collecting garbage never takes what somebody is publishing.

A publisher notes what it is about to rely on, then looks whether somebody collects. A collector notes that it
collects, then looks what is about to be relied on. Whoever comes second sees the other, on any store where a written
object can be read at once:

- the publisher waits until nobody collects, and only then decides which blobs are there already;
- the collector keeps every blob that a publisher has noted.

Notes of a killed process expire. A collector stops itself long before its note does.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ensembles.errors import StoreUnavailable
from ensembles.releases.manifest import Manifest
from ensembles.releases.store import Store

_PUBLISHING, _COLLECTING = "publishing", "collecting"
PUBLISHING_EXPIRES_S = 7 * 24 * 3600.0
"""A publisher takes at most a day less than this."""
COLLECTING_EXPIRES_S = 1800.0
COLLECTING_STOPS_S = 600.0
"""A collector that has worked so long stops: its note still counts while the last removal arrives."""
_WAIT_FOR_COLLECTOR_S = 600.0


@contextmanager
def publishing(store: Store, manifest: Manifest, *, poll_s: float = 0.2) -> Iterator[Callable[[], None]]:
    """Note the blobs of a release that is being published, and wait until nobody collects.

    Yields:
        A function that raises when the note is about to expire; call it before the manifest is written.

    Raises:
        StoreUnavailable: somebody collects for too long.
    """
    name, started = f"{_PUBLISHING}/{manifest.number}-{secrets.token_hex(8)}.json", time.time()
    store.write_note(name, {"by": _me(), "at": started, "blobs": sorted(manifest.blobs())})
    try:
        deadline = time.monotonic() + _WAIT_FOR_COLLECTOR_S
        while _collectors(store):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"{store.url}: somebody has been collecting garbage for minutes. Try again later."
                )
            time.sleep(poll_s)

        def require_fresh_note() -> None:
            if time.time() - started > PUBLISHING_EXPIRES_S - 24 * 3600:
                raise StoreUnavailable(f"{store.url}: publishing took days; run it again, it goes on where it was.")

        yield require_fresh_note
    finally:
        store.remove(name)


@contextmanager
def collecting(store: Store) -> Iterator[Callable[[], bool]]:
    """Note that garbage is being collected.

    Yields:
        Whether there is still time to remove something.
    """
    name, started = f"{_COLLECTING}/{secrets.token_hex(8)}.json", time.monotonic()
    store.write_note(name, {"by": _me(), "at": time.time()})
    try:
        yield lambda: time.monotonic() - started < COLLECTING_STOPS_S
    finally:
        store.remove(name)


def blobs_being_published(store: Store) -> set[str]:
    """Blobs on which a publisher relies, of whom no manifest is there yet. Notes that have expired are removed."""
    kept: set[str] = set()
    for name, note in store.read_notes(_PUBLISHING).items():
        if time.time() - float(note["at"]) > PUBLISHING_EXPIRES_S:
            store.remove(name)
        else:
            kept.update(note["blobs"])
    return kept


def _collectors(store: Store) -> list[str]:
    alive = []
    for name, note in store.read_notes(_COLLECTING).items():
        if time.time() - float(note["at"]) > COLLECTING_EXPIRES_S:
            store.remove(name)
        else:
            alive.append(name)
    return alive


def _me() -> str:
    return f"{socket.gethostname()} {os.getpid()}"
