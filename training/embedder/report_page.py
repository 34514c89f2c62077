"""The page that each command here writes: facts, drawings, tables and pictures, in one file that needs no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from training.atomic_file import write_atomically
from training.evaluation import report as evaluation_report
from training.evaluation.report.crops import HEIGHT_PX, WIDTH_PX, jpeg_uri

BACKGROUND = "#20262e"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A picture with what is to be said of it."""

    picture: str
    """A data: URI."""
    label: str
    figure: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading with what is below it; what is empty is left out."""

    title: str
    text: str = ""
    figures: Sequence[Markup] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    tiles: Sequence[Tile] = ()


def write_report(
    path: Path, *, title: str, subtitle: str, facts: Mapping[str, str], sections: Sequence[Section]
) -> Path:
    """Write a page in one step; its folder is made.

    Args:
        path: of the page.
        title: of the page.
        subtitle: one line on what it is about.
        facts: the most important figures, the first two in colour.
        sections: in the order of the page.

    Raises:
        OSError: it cannot be written.
    """
    style_folder = Path(str(evaluation_report.__file__)).with_name("templates")
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).with_name("templates"), style_folder]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2").render(
        title=title, subtitle=subtitle, facts=facts, sections=sections
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page.encode())
    return path


def picture(image: Image.Image) -> str:
    """Return an image as a tile's picture: all of it, on a dark ground."""
    tile = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), BACKGROUND)
    scale = min(WIDTH_PX / image.width, HEIGHT_PX / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    small = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
    tile.paste(small, ((WIDTH_PX - size[0]) // 2, (HEIGHT_PX - size[1]) // 2))
    return jpeg_uri(tile)


def side_by_side(*images: Image.Image) -> str:
    """Return a few images as one picture, for what is said of them together."""
    width = WIDTH_PX // len(images)
    tile = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), BACKGROUND)
    for index, image in enumerate(images):
        scale = min((width - 2) / image.width, HEIGHT_PX / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        small = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
        tile.paste(small, (index * width + (width - size[0]) // 2, (HEIGHT_PX - size[1]) // 2))
    return jpeg_uri(tile)
