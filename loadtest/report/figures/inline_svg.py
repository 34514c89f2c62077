"""From a matplotlib figure to a piece of SVG that may stand in a page of any policy.

matplotlib writes a document of its own with `style` attributes, which a strict Content-Security-Policy blocks, with ids
that clash when two drawings share a page, and with fixed colours. Here the styles become presentation attributes, ids
get the drawing's name in front, colours become the page's variables, and a title and a description are added for those
who do not see the drawing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.report.figures.palette import GRID, INK, MUTED, VARIABLES

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

SETTINGS: dict[Any, Any] = {  # the type of a key is the literal names of all settings
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's own font
    "svg.hashsalt": "loadtest",  # the same figures give the same file
    "text.parse_math": False,  # a dollar in a model's name is a dollar
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_joinstyle": "round",
}

# Presentation attributes of SVG that matplotlib writes as styles.
PROPERTIES = {
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "opacity",
    "text-anchor",
    "font-size",
    "font-weight",
}
FONT = re.compile(r"^(?P<rest>.*?)(?P<size>[\d.]+)px\s")
POINTS_PER_INCH = 72


@contextmanager
def drawing(width_in: float, height_in: float) -> Iterator[Figure]:
    """Yield an empty figure in the report's style; turn it into SVG with `inline_svg` before the block ends."""
    with rc_context(SETTINGS):
        yield Figure(figsize=(width_in, height_in), layout="constrained")


def plain_axes(axes: Axes, *, grid_axis: str = "y") -> None:
    """Leave only the grid lines that are read off."""
    axes.grid(False)
    axes.grid(True, axis=grid_axis)  # type: ignore[arg-type]
    axes.spines["left"].set_visible(False)


def inline_svg(figure: Figure, *, name: str, title: str, description: str) -> Markup:
    """Return a figure as an `<svg>` element.

    Args:
        figure: made by `drawing`.
        name: prefix of its ids, unlike that of any other drawing of the page.
        title: its name for a reader who hears it.
        description: what it shows, in a sentence with the figures that matter.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(buffer.getvalue())
    _drop(root, f"{{{SVG}}}metadata")
    _drop(root, f"{{{SVG}}}style")
    for element in root.iter():
        _style_to_attributes(element)
        _prefix_ids(element, name)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("class", "figure")
    root.set("role", "img")
    root.set("stroke-linejoin", "round")  # what the dropped style said of everything
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{'description' if position else 'title'}"})
        element.text = text
        root.insert(position, element)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return Markup(_with_variables(ElementTree.tostring(root, encoding="unicode")))


def _drop(root: ElementTree.Element, tag: str) -> None:
    for parent in list(root.iter()):
        for child in parent.findall(tag):
            parent.remove(child)


def _style_to_attributes(element: ElementTree.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        property_, _, value = (part.strip() for part in declaration.partition(":"))
        if property_ == "font" and (font := FONT.match(value)):
            element.set("font-size", font["size"])
            if "bold" in font["rest"]:
                element.set("font-weight", "bold")
        elif property_ in PROPERTIES:
            # Presentation attributes take lengths without a unit.
            element.set(property_, value.removesuffix("px"))
    if element.tag == f"{{{SVG}}}text":
        element.attrib.setdefault("fill", INK)


def _prefix_ids(element: ElementTree.Element, name: str) -> None:
    for attribute, value in list(element.attrib.items()):
        if attribute == "id":
            element.set(attribute, f"{name}-{value}")
        elif attribute.endswith("href") and value.startswith("#"):
            element.set(attribute, f"#{name}-{value[1:]}")
        elif "url(#" in value:
            element.set(attribute, value.replace("url(#", f"url(#{name}-"))


def _with_variables(text: str) -> str:
    for colour, (variable, fallback) in VARIABLES.items():
        text = text.replace(colour, f"var(--{variable}, {fallback})")
    return text
