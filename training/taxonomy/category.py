"""One entry of the taxonomy."""

from dataclasses import dataclass

MAX_CATEGORY_ID = 999_999
"""Exported graphs look ids up in a table as long as the largest id, so that a huge id would cost memory."""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object, as a person would name it."""

    id: int
    """Stable for ever, 1 to `MAX_CATEGORY_ID`; 0 is the padding of unused rows on the wire."""

    name: str
    """Unique, as shown to users: "cat", "Arduino Nano"."""

    parents: tuple[str, ...] = ()
    """Names of the categories that every such object also belongs to, most telling first; none for a root."""
