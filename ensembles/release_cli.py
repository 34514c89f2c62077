"""The command line of releases: `python -m ensembles release {new,check,...}`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from ensembles.release_commands import check, diff, fetch_release, gc, list_releases, new, publish_release
from ensembles.releases.committed import DEFAULT_FOLDER
from ensembles.repository import DEFAULT_ROOT
from ensembles.rollout_commands import activate_release, rollback_release

Execute = Callable[[argparse.Namespace, Console], int]

_DESCRIPTION = """\
A release is releases/<N>.json, committed: every file of the model repository by sha256, and the versions that
go together. Its files lie in this checkout and, once published, in a store: a folder, or a URL of file, http(s),
s3, gs, oci ... Release N serves every ensemble as version N. See docs/RELEASES.md."""


def add_release_parser(commands: Any, exit_codes: str) -> None:
    """Add `release` and its commands to the command line of this package."""
    release = commands.add_parser(
        "release",
        help="make, check, publish, fetch and activate releases",
        description=_DESCRIPTION,
        epilog=exit_codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = release.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def add(name: str, execute: Execute, what: str, more: str = "") -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}. {more}".strip(), epilog=exit_codes
        )
        parser.set_defaults(execute=execute)
        parser.add_argument(
            "--releases", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="default: releases of this checkout"
        )
        parser.add_argument(
            "--model-repository",
            type=Path,
            default=DEFAULT_ROOT,
            metavar="DIR",
            help="default: model_repository of this checkout",
        )
        return parser

    parser = add(
        "new",
        new,
        "write the next releases/<N>.json from this checkout",
        "Refuses what `ensembles check` refuses, and a version folder that an earlier release pins with other files.",
    )
    parser.add_argument("--notes", default="", metavar="TEXT", help="what is new, for people")
    parser.add_argument(
        "--amend", action="store_true", help="write the newest release again; only for one that nobody has published"
    )
    parser = add(
        "check",
        check,
        "check that manifests are whole and that this checkout still holds the newest release",
        "A changed version folder is an error; anything else that differs only means that a new release is due.",
    )
    parser.add_argument("number", type=_number, nargs="?", metavar="N", help="default: the newest")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a new release is due")
    parser.add_argument("--store", metavar="URL", help="also read every blob of the release from this store")
    parser = add("diff", diff, "show what changes from release A to release B")
    parser.add_argument("before", type=_number, metavar="A")
    parser.add_argument("after", type=_number, nargs="?", metavar="B", help="default: what the checkout would release")
    parser.add_argument("--store", metavar="URL", help="take manifests from this store instead of releases/")
    parser = add("list", list_releases, "list the releases")
    parser.add_argument("--store", metavar="URL", help="of this store instead of releases/")
    parser = add(
        "publish",
        publish_release,
        "bring a release to a store",
        "Blobs first, each once, then the manifest: killed at any moment, the store has the release or not.",
    )
    parser.add_argument("number", type=_number, metavar="N")
    parser.add_argument("--store", required=True, metavar="URL")
    parser = add(
        "fetch",
        fetch_release,
        "make DIR/<N>/ the complete model repository of a release, and point DIR/current at it",
        "Verified, resumed, atomic, and done at once where it is there already.",
    )
    parser.add_argument("number", type=_number, metavar="N")
    parser.add_argument("--store", metavar="URL", help="default: this checkout, if it holds the release")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    parser.add_argument("--keep-current", action="store_true", help="leave DIR/current where it points")
    parser = add("gc", gc, "remove from a store all but the newest releases, and the blobs that none of them names")
    parser.add_argument("--store", required=True, metavar="URL")
    parser.add_argument("--keep", type=int, required=True, metavar="K", help="number of releases to keep")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    for name, execute, what in (
        ("activate", activate_release, "bring a running server, or a folder for one, to a release"),
        ("rollback", rollback_release, "bring a running server back to the release that was active before"),
    ):
        parser = add(
            name,
            execute,
            what,
            "The server mounts DIR/models under explicit model control: `python -m serving --rollout DIR`. What serves "
            "is not touched before everything new is loaded; a release that does not load changes nothing.",
        )
        if name == "activate":
            parser.add_argument("number", type=_number, metavar="N")
        parser.add_argument("--repository", type=Path, required=True, metavar="DIR", help="the server's rollout folder")
        parser.add_argument(
            "--url",
            metavar="URL",
            help="grpc://HOST:PORT of the running server, or http://; without it only the folder is prepared",
        )
        parser.add_argument("--store", metavar="URL", help="default: this checkout, if it holds the release")
        parser.add_argument(
            "--header",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="sent to the server, for --http-restricted-api; may be given several times",
        )
        parser.add_argument(
            "--load-timeout-s", type=float, default=900.0, metavar="S", help="time for each model to load (default 900)"
        )
        parser.add_argument(
            "--drain-timeout-s",
            type=float,
            default=60.0,
            metavar="S",
            help="time for requests that the old release is answering (default 60)",
        )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a release is a whole number from 1, got {text!r}")
    return int(text)
