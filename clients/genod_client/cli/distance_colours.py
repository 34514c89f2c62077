"""How a Hamming distance looks: dark blue for alike, white for as far apart as chance."""

from __future__ import annotations

from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

HASH_BITS = 256
CHANCE_BITS = HASH_BITS // 2
"""The mean distance of random hashes."""

_ALIKE: Colour = (8, 64, 129)
_UNRELATED: Colour = (255, 255, 255)


def colour_of_distance(distance_bits: int) -> Colour:
    """Return the background for a distance, 0 to 256 bits; one hue, so that colour-blind people can read it."""
    share = min(distance_bits / CHANCE_BITS, 1.0)
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(_ALIKE, _UNRELATED, strict=True))
    return red, green, blue


def ink_on(distance_bits: int) -> Colour:
    """Return a colour for text that is readable on the background of a distance."""
    return (255, 255, 255) if distance_bits < CHANCE_BITS * 0.5 else (40, 40, 40)
