"""Colours and marks that mean the same in every plot."""

from typing import Any

from training.scorecard.verdict import Verdict

COLOR_OF_VERDICT = {
    Verdict.HOLDS: "#1a7f37",
    Verdict.DOES_NOT_HOLD: "#cf222e",
    Verdict.UNDECIDED: "#9a6700",
    Verdict.FAILED: "#6e7781",
    Verdict.STOPPED: "#6e7781",
}
MARK_OF_VERDICT = {
    Verdict.HOLDS: "o",
    Verdict.DOES_NOT_HOLD: "X",
    Verdict.UNDECIDED: "D",
    Verdict.FAILED: "s",
    Verdict.STOPPED: "s",
}
"""Also by shape, for those who do not see the colours."""
BETTER, OTHER = "#0969da", "#8c959f"
GRID = "#d8dee4"


def tidy(axes: Any) -> None:
    """Keep the axes quiet: light grid lines, no frame but the base line."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#57606a")
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", labelsize=8, color="#57606a")
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=GRID, linewidth=0.8)


def wrapped(text: str, width: int) -> str:
    """Break a label into lines of about `width` letters."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
