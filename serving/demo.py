"""The demo: a real Triton, real photos, both protocols, pictures to look at.

    python -m serving.demo

The photos lie inside scikit-image and scikit-learn, so nothing is downloaded. The `genod` command does the
detecting, in a process of its own as anybody would run it: what is shown is what callers get.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving import ServerOptions, ServingError, TritonServer
from serving.progress import StartupProgress

MODEL_REPOSITORY = Path(__file__).resolve().parent.parent / "model_repository"

SAMPLE_PHOTOS = (
    "skimage/data/chelsea.png",  # a cat
    "skimage/data/coffee.png",  # a cup and a spoon on a table
    "skimage/data/astronaut.png",  # a person
    "skimage/data/motorcycle_left.png",  # a motorcycle in a garage
    "sklearn/datasets/images/china.jpg",  # a temple behind trees
    "sklearn/datasets/images/flower.jpg",
)
"""Package and file of each photo, all inside the wheels that the extra `demo` names."""

GENOD_TIMEOUT_S = 120.0
OBJECTS_SHOWN = 6
EXIT_INTERRUPTED = 130

Photo: TypeAlias = dict[str, Any]
"""One entry of `photos` in the report of `genod detect --json`."""


class DemoError(ServingError):
    """The demo cannot show what it is there to show."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.demo", description="Detect in sample photos.")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="where pictures go (%(default)s)")
    out_dir: Path = parser.parse_args(argv).out
    console = Console(highlight=False)
    try:
        photos = sample_photos()
        over_grpc, over_http = detect_over_both_protocols(photos, out_dir, console)
        require_agreement(over_grpc, over_http)
        require_objects(over_grpc)
    except ServingError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted, Triton is stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    console.print(summary_table(over_grpc))
    page = write_contact_sheet(over_grpc, out_dir)
    console.print(f"gRPC and HTTP agree to the bit in all {len(photos)} photos.")
    console.print(Text(f"Annotated pictures: {out_dir}/, all on one page: {page}"), soft_wrap=True)
    return 0


def sample_photos() -> list[Path]:
    """Return the paths of the sample photos.

    Raises:
        DemoError: a package or a photo is missing.
    """
    photos = []
    for name in SAMPLE_PHOTOS:
        package, _, file = name.partition("/")
        spec = importlib.util.find_spec(package)  # finds the folder without importing the package
        if spec is None or not spec.submodule_search_locations:
            raise DemoError(f"The sample photos of {package} are missing. Run `make demo`, which installs them.")
        photo = Path(spec.submodule_search_locations[0], file)
        if not photo.is_file():
            raise DemoError(f"{package} holds no {file}. Install the version in requirements/demo.txt.")
        photos.append(photo)
    return photos


def detect_over_both_protocols(
    photos: Sequence[Path], out_dir: Path, console: Console
) -> tuple[list[Photo], list[Photo]]:
    """Start Triton on free ports, detect over gRPC (drawing pictures) and over HTTP, stop Triton.

    Args:
        photos: image files.
        out_dir: where annotated pictures go.
        console: told what is going on.

    Returns:
        The two reports.

    Raises:
        ServingError: Triton did not start, or a call failed.
    """
    options = ServerOptions(
        MODEL_REPOSITORY,
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        log_file=out_dir / "tritonserver.log",
    )
    with ExitStack() as running:
        with StartupProgress(console, options.model_names) as progress:
            server = running.enter_context(TritonServer(options, on_progress=progress.update))
        console.print(f"Detecting in {len(photos)} photos over gRPC, then over HTTP ...")
        started_s = time.monotonic()
        over_grpc = run_genod(photos, f"grpc://{server.grpc_url}", out_dir)
        over_http = run_genod(photos, f"http://{server.http_url}")
        console.print(f"Detected in {time.monotonic() - started_s:.1f} s. Stopping Triton ...")
    return over_grpc, over_http


def run_genod(photos: Sequence[Path], url: str, out_dir: Path | None = None) -> list[Photo]:
    """Detect with the `genod` command; return the `photos` of its JSON report.

    Args:
        photos: image files.
        url: `grpc://HOST:PORT` or `http://HOST:PORT`.
        out_dir: where the command writes annotated pictures; None for none.

    Raises:
        DemoError: the command is not installed, takes too long, or failed for a photo.
    """
    genod = Path(sys.executable).with_name("genod")
    command = [str(genod), "detect", *map(str, photos), "--url", url, "--json"]
    if out_dir is not None:
        command += ["--out", str(out_dir)]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=GENOD_TIMEOUT_S)
    except FileNotFoundError as error:
        raise DemoError(f"There is no {genod}. Run `make demo`, which installs genod-client.") from error
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"`genod detect --url {url}` did not end within {GENOD_TIMEOUT_S:.0f} s.") from error
    if completed.returncode != 0:
        raise DemoError(f"`genod detect --url {url}` failed:\n{completed.stderr.strip()}")
    report: list[Photo] = json.loads(completed.stdout)["photos"]
    return report


def require_agreement(over_grpc: Sequence[Photo], over_http: Sequence[Photo]) -> None:
    """Refuse two reports that differ in anything but the pictures written.

    JSON holds every float32 exactly, so equal documents are equal tensors.

    Raises:
        DemoError: they differ.
    """
    for grpc_photo, http_photo in zip(over_grpc, over_http, strict=True):
        for field in grpc_photo.keys() - {"picture"}:
            if grpc_photo[field] != http_photo[field]:
                raise DemoError(
                    f"gRPC and HTTP disagree about {field} of {grpc_photo['photo']}:\n"
                    f"  gRPC {grpc_photo[field]}\n  HTTP {http_photo[field]}"
                )


def require_objects(photos: Sequence[Photo]) -> None:
    """Refuse a report without a single object: a demo that shows nothing has failed.

    Raises:
        DemoError: there is none.
    """
    if not any(photo["detections"] for photo in photos):
        raise DemoError("No object was found in any sample photo. Are these the demo's weights?")


def objects_of(photo: Photo) -> list[str]:
    """Return a line for each of the best objects, as `cat < carnivore < mammal < animal 0.93`."""
    objects = [found for found in photo["detections"] if not found["is_propagated"]]
    lines = []
    for found in objects[:OBJECTS_SHOWN]:
        chain = [found["name"], *(ancestor["name"] for ancestor in found["ancestors"])]
        lines.append(f"{' < '.join(chain)} {found['score']:.2f}")
    if len(objects) > OBJECTS_SHOWN:
        lines.append(f"... and {len(objects) - OBJECTS_SHOWN} more")
    return lines


def summary_table(photos: Sequence[Photo]) -> Table:
    """Return a table with one row per photo."""
    table = Table("photo", "size", "objects, and what they are kinds of")
    for photo in photos:
        size = "{width} × {height}".format_map(photo["image_size"])
        objects = "\n".join(objects_of(photo)) or "nothing above the minimum score"
        table.add_row(Text(Path(photo["photo"]).name), size, Text(objects), end_section=True)
    return table


def write_contact_sheet(photos: Sequence[Photo], out_dir: Path) -> Path:
    """Write `index.html`, which shows all annotated pictures on one page; return its path."""
    figures = "\n".join(
        f'<figure><img src="{html.escape(Path(photo["picture"]).name)}">'
        f"<figcaption>{'<br>'.join(map(html.escape, objects_of(photo)))}</figcaption></figure>"
        for photo in photos
    )
    page = out_dir / "index.html"
    page.write_text(
        '<!doctype html><meta charset="utf-8"><title>GenOD demo</title>\n'
        "<style>body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:1em}"
        "figure{margin:0;width:30em}img{width:100%}</style>\n"
        f"{figures}\n",
        encoding="utf-8",
    )
    return page


if __name__ == "__main__":
    sys.exit(main())
