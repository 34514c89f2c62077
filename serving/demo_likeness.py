"""What the demo shows of the embedder: two things of one kind are nearer to each other than to things of another.

It is judged, not just shown: where it does not hold, the demo fails and says which crops contradict it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from serving.errors import ServingError

LIKENESS_PHOTOS = (
    "skimage/data/motorcycle_left.png",
    "skimage/data/motorcycle_right.png",  # the stereo pair's other half: seen from a little further right
    "skimage/data/chelsea.png",
    "skimage/data/coffee.png",
    "skimage/data/astronaut.png",
)
"""Of each photo the best object is embedded."""

COIN_PHOTO = "skimage/data/coins.png"
COIN_BOXES = ("305,16,365,72", "18,233,75,288", "144,236,201,288")
"""Three ancient coins, each another one. No detector here knows coins: what is given as a box needs no class."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An embedded crop.

    Attributes:
        crop: the photo's name; for one of several boxes, with its number.
        kind: its class, or what its box was given for.
        hash: 256 bits.
        embedder_version: of the embedder that made the hash.
    """

    crop: str
    kind: str
    hash: bytes
    embedder_version: str

    def bits_from(self, other: Thing) -> int:
        """Return the Hamming distance."""
        return (int.from_bytes(self.hash) ^ int.from_bytes(other.hash)).bit_count()


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Two things of one kind, and the thing of another kind that is nearest to either.

    Attributes:
        pair: of one kind.
        bits: their distance.
        stranger: of another kind.
        stranger_bits: its distance to the nearer of the pair.
    """

    pair: tuple[Thing, Thing]
    bits: int
    stranger: Thing
    stranger_bits: int

    @property
    def holds(self) -> bool:
        """Whether the pair is nearer to each other than to the stranger."""
        return self.bits < self.stranger_bits


def best_things(photos: Iterable[Mapping[str, Any]]) -> list[Thing]:
    """Return the best object of each photo that has one.

    Args:
        photos: of a report of `genod embed --json`.
    """
    return [
        _thing(photo, row, crop=Path(photo["photo"]).stem, kind=str(row["name"]))
        for photo in photos
        for row in photo["objects"][:1]
    ]


def boxed_things(photo: Mapping[str, Any], kind: str) -> list[Thing]:
    """Return the given boxes of one photo, all of them of one kind."""
    name = Path(photo["photo"]).stem
    return [
        _thing(photo, row, crop=f"{name} {number}", kind=kind) for number, row in enumerate(photo["objects"], start=1)
    ]


def likenesses(things: Sequence[Thing]) -> list[Likeness]:
    """Compare every two things of one kind with all things of the others.

    Raises:
        ServingError: no kind has two things, there is one kind only, or two embedders made the hashes.
    """
    if len(versions := {thing.embedder_version for thing in things}) > 1:
        raise ServingError(f"Hashes of several embedders cannot be compared: {', '.join(sorted(versions))}.")
    things_of_kind = defaultdict(list)
    for thing in things:
        things_of_kind[thing.kind].append(thing)
    compared = []
    for kind, members in things_of_kind.items():
        strangers = [thing for thing in things if thing.kind != kind]
        for one, other in combinations(members, 2):
            if not strangers:
                break
            stranger_bits, _, stranger = min(
                (min(one.bits_from(stranger), other.bits_from(stranger)), place, stranger)
                for place, stranger in enumerate(strangers)
            )
            compared.append(
                Likeness(pair=(one, other), bits=one.bits_from(other), stranger=stranger, stranger_bits=stranger_bits)
            )
    if not compared:
        found = ", ".join(f"{thing.kind} in {thing.crop}" for thing in things) or "nothing"
        raise ServingError(
            f"Likeness needs two things of one kind and one of another, but of the sample photos came only {found}. "
            "Are these the demo's weights?"
        )
    return compared


def require_likeness(compared: Sequence[Likeness]) -> None:
    """Refuse an embedder that finds different things more alike than two of one kind.

    Raises:
        ServingError: it does, for some pair.
    """
    if broken := [likeness for likeness in compared if not likeness.holds]:
        pairs = "; ".join(
            f"{one.crop} and {other.crop}, both {one.kind}, differ in {likeness.bits} bits, "
            f"but {likeness.stranger.crop}, a {likeness.stranger.kind}, only in {likeness.stranger_bits}"
            for likeness in broken
            for one, other in [likeness.pair]
        )
        raise ServingError(f"The embedder finds different things more alike than two of one kind: {pairs}.")


def likeness_table(compared: Sequence[Likeness]) -> Table:
    """Return a table with a row for each pair."""
    table = Table("kind", "two of it", title="Hamming distances of the hashes, bits of 256", title_justify="left")
    table.add_column("differ in", justify="right")
    table.add_column("nearest different")
    table.add_column("differs in", justify="right")
    for likeness in compared:
        one, other = likeness.pair
        table.add_row(
            one.kind,
            Text(f"{one.crop}\n{other.crop}"),
            str(likeness.bits),
            Text(f"{likeness.stranger.crop}\n({likeness.stranger.kind})"),
            str(likeness.stranger_bits),
            end_section=True,
        )
    return table


def _thing(photo: Mapping[str, Any], row: Mapping[str, Any], *, crop: str, kind: str) -> Thing:
    version = str(photo["embedder_version"])
    return Thing(crop=crop, kind=kind, hash=bytes.fromhex(row["hash"]), embedder_version=version)
