"""Loads for tests: small, and in this process as far as possible."""

from typing import Any

import numpy as np

from loadtest.interrupt import Interrupt
from loadtest.open_loop.driving import drive
from loadtest.open_loop.load import Load, ServerAddress
from loadtest.payloads import Photo


class Silent:
    """An observer that keeps what it is told."""

    def __init__(self, react=lambda live: None):
        self.lives = []
        self.window = []
        self.react = react

    def on_live(self, live):
        self.lives.append(live)
        self.react(live)

    def on_window_start(self):
        self.window.append("start")

    def on_window_end(self):
        self.window.append("end")


def load_of(url, scheduled_s, **changes):
    count = len(scheduled_s)
    values: dict[str, Any] = {
        "address": ServerAddress(url=url),
        "photos": (Photo(name="noise", content=bytes(range(256)) * 8),),
        "scheduled_s": np.asarray(scheduled_s, dtype=float),
        "photo_of": np.zeros(count, np.int32),
        "stamp_of": np.arange(count),
        "salt": bytes(8),
        "timeout_s": 10.0,
        "max_in_flight": 1000,
        "connections": 16,
    }
    return Load(**values | changes)


def drive_quietly(load, *, workers=1, observer=None, give_up_after_s=30.0, is_hopeless=None, interrupt=None):
    return drive(
        load,
        workers=workers,
        window_s=(0.0, float(load.scheduled_s[-1])),
        observer=observer or Silent(),
        interrupt=interrupt or Interrupt(),
        give_up_after_s=give_up_after_s,
        is_hopeless=is_hopeless,
    )
