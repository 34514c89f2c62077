"""Threads that run during a `with` block and have to end with it."""

import threading
from collections.abc import Callable
from typing import Self

PATIENCE_S = 60


class BackgroundThreads:
    """What each does is for its owner to say; it looks at `_over` between two steps."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, run: Callable[..., None], *arguments: object) -> None:
        """Have a thread run this from the start of the block."""
        self._threads.append(threading.Thread(target=run, args=arguments, daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in self._threads), "a caller never came back"
