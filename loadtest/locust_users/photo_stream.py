"""Which photo comes next: one after the other, without knowing how many there will be."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

from loadtest.payloads import STAMP_BYTES, Photo


class PhotoStream:
    """Photos of one process, fresh bytes or a repetition of earlier ones.

    As in the open loop, bytes that are no duplicate are new to the server: a number behind the image's end, which
    decoders do not read, keeps a response cache from answering a small folder of photos by heart.
    """

    # Of so many earlier requests a duplicate is chosen; a cache would have forgotten the older ones too.
    MEMORY = 10_000

    def __init__(self, photos: Sequence[Photo], *, duplicate_rate: float, seed: int) -> None:
        """Begin.

        Args:
            photos: at least one.
            duplicate_rate: share of requests that repeat earlier bytes, 0 to 1.
            seed: of the choices; the bytes themselves differ from process to process.
        """
        self._photos = photos
        self._duplicate_rate = duplicate_rate
        self._random = random.Random(seed)
        self._salt = os.urandom(STAMP_BYTES - 8)
        self._sent: list[tuple[int, int]] = []
        self._stamps = 0

    def next_photo(self) -> bytes:
        """Return the bytes of an image file."""
        if self._sent and self._random.random() < self._duplicate_rate:
            index, stamp = self._random.choice(self._sent)
        else:
            index, stamp = self._random.randrange(len(self._photos)), self._stamps
            self._stamps += 1
            if len(self._sent) < self.MEMORY:
                self._sent.append((index, stamp))
            else:
                self._sent[self._random.randrange(self.MEMORY)] = (index, stamp)
        return self._photos[index].content + self._salt + stamp.to_bytes(8, "little")
