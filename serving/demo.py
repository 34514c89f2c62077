"""The demo: a real Triton, real photos, both protocols, pictures to look at.

    python -m serving.demo

The photos lie inside scikit-image and scikit-learn, so nothing is downloaded. The `genod` command does the
detecting and the embedding, in a process of its own as anybody would run it: what is shown is what callers get.
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
from typing import Any, Literal, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving import ServerOptions, ServingError, TritonServer
from serving.demo_likeness import (
    COIN_BOXES,
    COIN_PHOTO,
    LIKENESS_PHOTOS,
    Thing,
    best_things,
    boxed_things,
    likeness_table,
    likenesses,
    require_likeness,
)
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

LIKENESS_PICTURES = {
    "objects": "What was found, by the Hamming distance of its hashes",
    "coins": "Three coins, given as boxes",
}
"""Folder of what is embedded -> what its pictures show."""

GENOD_TIMEOUT_S = 300.0
PHOTO_TIMEOUT_S = 60
"""Twice the command's own: a demo may run on a slow machine, and waits rather than fails."""
OBJECTS_SHOWN = 6
EXIT_INTERRUPTED = 130

Photo: TypeAlias = dict[str, Any]
"""One entry of `photos` in the report of `genod detect --json` or `genod embed --json`."""


class DemoError(ServingError):
    """The demo cannot show what it is there to show."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.demo", description="Detect and embed in sample photos.")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="where pictures go (%(default)s)")
    out_dir: Path = parser.parse_args(argv).out
    console = Console(highlight=False)
    try:
        photos = sample_photos()
        over_grpc, over_http, things = ask_a_server(photos, out_dir, console)
        require_agreement(over_grpc, over_http)
        require_objects(over_grpc)
        compared = likenesses(things)
        console.print(summary_table(over_grpc))
        console.print(likeness_table(compared))
        require_likeness(compared)
    except ServingError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted, Triton is stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    page = write_contact_sheet(over_grpc, out_dir)
    console.print(f"gRPC and HTTP agree to the bit in all {len(photos)} photos.")
    console.print("Two things of one kind are nearer to each other than to anything else.")
    console.print(Text(f"Annotated pictures: {out_dir}/, all on one page: {page}"), soft_wrap=True)
    return 0


def sample_photos(names: Sequence[str] | None = None) -> list[Path]:
    """Return the paths of sample photos.

    Args:
        names: package and file of each; None for those that are detected in.

    Raises:
        DemoError: a package or a photo is missing.
    """
    photos = []
    for name in SAMPLE_PHOTOS if names is None else names:
        package, _, file = name.partition("/")
        spec = importlib.util.find_spec(package)  # finds the folder without importing the package
        if spec is None or not spec.submodule_search_locations:
            raise DemoError(f"The sample photos of {package} are missing. Run `make demo`, which installs them.")
        photo = Path(spec.submodule_search_locations[0], file)
        if not photo.is_file():
            raise DemoError(f"{package} holds no {file}. Install the version in requirements/demo.txt.")
        photos.append(photo)
    return photos


def ask_a_server(
    photos: Sequence[Path], out_dir: Path, console: Console
) -> tuple[list[Photo], list[Photo], list[Thing]]:
    """Start Triton on free ports, detect over gRPC (drawing pictures) and over HTTP, embed, stop Triton.

    Args:
        photos: image files to detect in.
        out_dir: where pictures go.
        console: told what is going on.

    Returns:
        The two reports, and what was embedded.

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
        url = f"grpc://{server.grpc_url}"
        console.print(f"Detecting in {len(photos)} photos over gRPC, then over HTTP ...")
        started_s = time.monotonic()
        over_grpc = run_genod(photos, url, out_dir)
        over_http = run_genod(photos, f"http://{server.http_url}")
        console.print(f"Detected in {time.monotonic() - started_s:.1f} s. Embedding what was found, and coins ...")
        things = embed_samples(url, out_dir)
        console.print("Stopping Triton ...")
    return over_grpc, over_http, things


def embed_samples(url: str, out_dir: Path) -> list[Thing]:
    """Embed what the detector finds and, by their boxes, coins, which it does not know.

    Args:
        url: `grpc://HOST:PORT` or `http://HOST:PORT`.
        out_dir: its folders, those of `LIKENESS_PICTURES`, get pictures of what looks like what.

    Raises:
        DemoError: as `run_genod`.
    """
    found = run_genod(sample_photos(LIKENESS_PHOTOS), url, out_dir / "objects", command="embed")
    (coins,) = run_genod(sample_photos([COIN_PHOTO]), url, out_dir / "coins", command="embed", boxes=COIN_BOXES)
    return [*best_things(found), *boxed_things(coins, "coin")]


def run_genod(
    photos: Sequence[Path],
    url: str,
    out_dir: Path | None = None,
    *,
    command: Literal["detect", "embed"] = "detect",
    boxes: Sequence[str] = (),
) -> list[Photo]:
    """Ask with the `genod` command; return the `photos` of its JSON report.

    Args:
        photos: image files.
        url: `grpc://HOST:PORT` or `http://HOST:PORT`.
        out_dir: where the command writes pictures; None for none.
        command: which of its commands.
        boxes: what to embed, `X1,Y1,X2,Y2` each; none for what is found.

    Raises:
        DemoError: the command is not installed, takes too long, or failed for a photo.
    """
    genod = Path(sys.executable).with_name("genod")
    arguments = [str(genod), command, *map(str, photos), "--url", url, "--json", "--timeout", str(PHOTO_TIMEOUT_S)]
    arguments += [argument for box in boxes for argument in ("--box", box)]
    if out_dir is not None:
        arguments += ["--out", str(out_dir)]
    try:
        completed = subprocess.run(arguments, capture_output=True, text=True, timeout=GENOD_TIMEOUT_S)
    except FileNotFoundError as error:
        raise DemoError(f"There is no {genod}. Run `make demo`, which installs genod-client.") from error
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"`genod {command} --url {url}` did not end within {GENOD_TIMEOUT_S:.0f} s.") from error
    if completed.returncode != 0:
        raise DemoError(f"`genod {command} --url {url}` failed:\n{completed.stderr.strip()}")
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
    """Write `index.html`, which shows all pictures on one page; return its path."""
    figures = "\n".join(
        f'<figure><img src="{html.escape(Path(photo["picture"]).name)}">'
        f"<figcaption>{'<br>'.join(map(html.escape, objects_of(photo)))}</figcaption></figure>"
        for photo in photos
    )
    likeness = "\n".join(
        f'<figure><img src="{folder}/distances.png"><figcaption>{caption}</figcaption></figure>'
        for folder, caption in LIKENESS_PICTURES.items()
    )
    page = out_dir / "index.html"
    page.write_text(
        '<!doctype html><meta charset="utf-8"><title>GenOD demo</title>\n'
        "<style>body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:1em}"
        "figure{margin:0;width:30em}img{width:100%}</style>\n"
        f"{figures}\n{likeness}\n",
        encoding="utf-8",
    )
    return page


if __name__ == "__main__":
    sys.exit(main())
