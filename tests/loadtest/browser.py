"""A real browser that notes what a page does; skipped where there is none."""

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Noted:
    """What a page said and what it asked for."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def opened(path, *, color_scheme="light", width_px=1000):
    """Open a file and yield the page, and what is noted about it."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width_px, "height": 800}, color_scheme=color_scheme)
        noted = Noted()
        page.on("console", lambda message: noted.complaints.append(message.text))
        page.on("pageerror", lambda error: noted.complaints.append(str(error)))
        page.on("request", lambda request: noted.requests.append(request.url))
        page.goto(path.as_uri())
        yield page, noted
        browser.close()
