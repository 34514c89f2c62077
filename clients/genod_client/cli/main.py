"""Arguments of `genod`, and its exit codes.

0: every photo was answered. 1: some photo was not; the others were. 2: the command line is wrong. 130:
    Ctrl-C. Results go to stdout; progress and errors go to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genod_client.boxes import read_boxes
from genod_client.client_base import DEFAULT_TIMEOUT_S
from genod_client.errors import InvalidInputError
from genod_client.results import Box
from genod_client.version import __version__

EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code.

    Args:
        arguments: the command line without the program's name; None takes it from `sys.argv`.
    """
    parser = _build_parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except InvalidInputError as error:
        parser.exit(EXIT_USAGE, f"genod: {error}\n")
    except KeyboardInterrupt:
        print("genod: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


# Imported behind the parser, so that `genod --help` imports neither Pillow, rich nor grpc.
def _detect(options: argparse.Namespace) -> int:
    from genod_client.cli.detect import detect

    return detect(
        options.photos,
        url=options.url,
        timeout_s=options.timeout,
        min_score=options.min_score,
        ensemble=options.ensemble,
        as_json=options.json,
        out_dir=options.out,
    )


def _embed(options: argparse.Namespace) -> int:
    from genod_client.cli.embed import embed

    return embed(
        options.photos,
        boxes=options.box,
        url=options.url,
        timeout_s=options.timeout,
        min_score=options.min_score,
        as_json=options.json,
        out_dir=options.out,
    )


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genod", description="Find and embed objects in photos with a GenOD server.")
    parser.add_argument("--version", action="version", version=f"genod {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    detect = commands.add_parser(
        "detect",
        help="detect the objects in photos",
        description="Detect the objects in photos: print a table per photo, and draw them if --out is given.",
        epilog="exit code: 0 all photos answered, 1 some not, 2 wrong arguments",
    )
    detect.set_defaults(run=_detect)
    _add_photos_and_server(detect)
    detect.add_argument(
        "--ensemble",
        default="detect",
        metavar="NAME",
        help="the ensemble to ask: detect, detect_fused or one of your own with the same tensors (%(default)s)",
    )
    detect.add_argument("--out", type=Path, metavar="DIR", help="write annotated pictures into this folder")
    embed = commands.add_parser(
        "embed",
        help="turn objects in photos into hashes that find them again",
        description="Embed the objects in photos, or given boxes: print a table per photo with each hash and the "
        "nearest other one, and draw what looks like what if --out is given.",
        epilog="exit code: 0 all photos answered, 1 some not, 2 wrong arguments",
    )
    embed.set_defaults(run=_embed)
    _add_photos_and_server(embed)
    embed.add_argument(
        "--box",
        type=_box,
        action="append",
        default=[],
        metavar="X1,Y1,X2,Y2",
        help="embed this box, in pixels of the upright photo, instead of the objects found; may be repeated, and "
        "applies to every photo",
    )
    embed.add_argument(
        "--out", type=Path, metavar="DIR", help="write pictures of what looks like what into this folder"
    )
    return parser


def _add_photos_and_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="an image file, a folder (the images directly in it) or a pattern such as 'shots/**/*.jpg'",
    )
    parser.add_argument(
        "--url",
        default="grpc://localhost:8001",
        help="grpc://HOST:PORT or http://HOST:PORT of the server; grpcs://, https:// with TLS (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument(
        "--min-score",
        type=_score,
        default=0.5,  # on coco_mini val precision is 0.76 there, and 0.16 at 0.3
        metavar="S",
        help="leave out what scores less, 0 to 1; the server itself stops at 0.05 (%(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help="longest time for one photo, retries included (%(default)s)",
    )


def _score(text: str) -> float:
    score = float(text)
    if not 0 <= score <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, not {text}")
    return score


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds, not {text}")
    return seconds


def _box(text: str) -> Box:
    coordinates: Any = text.split(",")
    try:
        return read_boxes([coordinates])[0]
    except InvalidInputError as error:
        raise argparse.ArgumentTypeError(str(error).replace("boxes[0]", "the box")) from error


# argparse names a failed conversion by the function's name: "invalid number value: 'abc'".
_score.__name__ = _seconds.__name__ = "number"
