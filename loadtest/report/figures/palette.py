"""Colours by meaning. In the page they are CSS variables, so that one drawing serves light and dark screens."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What the drawing library is told -> the variable of the page. Values that occur nowhere else in a drawing.
INK = "#010101"
MUTED = "#010102"
GRID = "#010103"
PAPER = "#010104"
GOOD = "#010105"
BAD = "#010106"
WARN = "#010107"
FIRST = "#010108"
SECOND = "#010109"
QUEUE = "#01010a"
INPUT = "#01010b"
INFER = "#01010c"
OUTPUT = "#01010d"
REST = "#01010e"
SHADE = "#01010f"

# Variable and what stands in where the page's style is blocked; the style sheet holds the same for both screens.
# Hues that stay apart for colour-blind readers (Okabe and Ito, 2008); no meaning is told by colour alone.
VARIABLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        INK: ("ink", "#1b2430"),
        MUTED: ("muted", "#566172"),
        GRID: ("grid", "#dfe3e8"),
        PAPER: ("paper", "#ffffff"),
        GOOD: ("good", "#0b7a55"),
        BAD: ("bad", "#c2341d"),
        WARN: ("warn", "#a85f00"),
        FIRST: ("first", "#0067a5"),
        SECOND: ("second", "#c4601d"),
        QUEUE: ("queue", "#d98c00"),
        INPUT: ("input", "#8f6fc4"),
        INFER: ("infer", "#0072b2"),
        OUTPUT: ("output", "#3fa37c"),
        REST: ("rest", "#8a94a3"),
        SHADE: ("shade", "#eef1f4"),
    }
)
