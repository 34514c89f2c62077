"""The templates, with what every page gets: the style and its hash, and how figures are written."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, context: Mapping[str, Any]) -> str:
    """Render a template of this package. Everything in the context is escaped, except for finished drawings."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    # The page allows this style and nothing else, by its hash.
    sha256 = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(style=Markup(style), style_sha256=sha256, ms=ms, **context)


def ms(value: float | None) -> str:
    """Write milliseconds with three digits that mean something: `0.123`, `4.56`, `78.9`, `1234`; a dash for None."""
    if value is None:
        return "–"
    magnitude = abs(value)
    decimals = 3 if magnitude < 1 else 2 if magnitude < 10 else 1 if magnitude < 1000 else 0
    return f"{value:.{decimals}f}"
