"""What a paper says, as it is printed there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFigure:
    """One comparison of the paper's table."""

    what: str
    """Which column: "AP50, average of four sets"."""
    other: float
    """The side that the paper says is worse."""
    better: float
    """The side that the paper says is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A relation between two ways of doing something, with where it is printed."""

    sentence: str
    """"FCOS beats RetinaNet at equal budget"."""
    source: str
    """Paper, table or figure, section."""
    figures: tuple[PaperFigure, ...]
    unit: str = ""
    """Of the figures: "AP50 in percent", "ms"."""
