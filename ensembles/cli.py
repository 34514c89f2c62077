"""The command line: `python -m ensembles {render,check,release,fuse}`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from rich.console import Console

from ensembles.checks import find_problems
from ensembles.errors import EnsemblesError, Refused
from ensembles.fused import command as fuse_command
from ensembles.memory_pools import MemoryPools
from ensembles.release_cli import add_release_parser
from ensembles.render_command import render_all
from ensembles.report import print_problems
from ensembles.repository import DEFAULT_ROOT, load_repository, targets
from ensembles.served_models import read_served_models
from ensembles.wiring import all_ensembles
from ensembles.wiring.detect import wire

_DESCRIPTION = """\
Ensembles are wired in ensembles/wiring/<name>.py and rendered to model_repository/<name>/config.pbtxt.
Types and shapes come from the composing models' own configs."""

_EXIT_CODES = "exit codes: 0 all well, 1 refused (every problem is listed), 2 wrong usage"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None for those of this process.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        if options.command == "release":
            code: int = options.execute(options, console)
            return code
        if options.command == "render":
            return _render(options, console)
        if options.command == "fuse":
            return fuse_command.execute(options, console)
        return _check(options, console)
    except Refused as refused:
        print_problems(refused.problems, console)
    except EnsemblesError as error:
        print(error, file=sys.stderr)
    return 1


def _render(options: argparse.Namespace, console: Console) -> int:
    wirings = all_ensembles() if options.served_models is None else [wire(read_served_models(options.served_models))]
    changed = render_all(options.model_repository, wirings)
    for path in changed:
        console.print(f"rendered {path}", markup=False, soft_wrap=True)
    console.print(f"ensembles rendered: {len(wirings)}, files changed: {len(changed)}")
    return 0


def _check(options: argparse.Namespace, console: Console) -> int:
    root: Path = options.model_repository
    pools = MemoryPools(options.cuda_pool_bytes, options.pinned_pool_bytes, options.images_in_flight)
    problems = find_problems(root, all_ensembles(), pools)
    if problems:
        print_problems(problems, console)
        return 1
    checked = load_repository(root)
    targets_named = ", ".join(["default", *targets(root)])
    console.print(
        f"all well: models: {len(checked.models)}, of them ensembles: {len(checked.ensembles())}; "
        f"targets: {targets_named}",
        markup=False,
        soft_wrap=True,
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ensembles",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{render,check,release,fuse}")
    render = commands.add_parser(
        "render",
        help="write the ensembles' config.pbtxt from their wirings",
        description="Write model_repository/<ensemble>/config.pbtxt from ensembles/wiring/<ensemble>.py. "
        "Nothing is written unless every wiring gives an ensemble that Triton accepts.",
        epilog=_EXIT_CODES,
    )
    render.add_argument(
        "--served-models",
        type=Path,
        metavar="FILE",
        help="wire detect alone, with the heads and versions pinned in FILE instead of served_models.json; for a "
        "model repository that has other heads than this checkout's",
    )
    check = commands.add_parser(
        "check",
        help="refuse, before any server starts, what Triton would refuse or serve badly",
        description="Check every model, every ensemble and every target config "
        "(<model>/configs/<target>.pbtxt), the ONNX graphs against their configs, the taxonomy, and that "
        "committed ensembles are what their wirings render to. Lists every problem.",
        epilog=_EXIT_CODES,
    )
    for command in (render, check):
        command.add_argument(
            "--model-repository",
            type=Path,
            default=DEFAULT_ROOT,
            metavar="DIR",
            help="default: model_repository of this checkout",
        )
    _add_pool_options(check)
    add_release_parser(commands, _EXIT_CODES)
    fuse_command.add_parser(commands, epilog=_EXIT_CODES)
    return parser


def _add_pool_options(check: argparse.ArgumentParser) -> None:
    defaults = {field.name: field.default for field in fields(MemoryPools)}
    group = check.add_argument_group("memory pools", "only matter where a model runs on a GPU")
    for option, what in (
        ("cuda_pool_bytes", "the server's --cuda-memory-pool-byte-size"),
        ("pinned_pool_bytes", "the server's --pinned-memory-pool-byte-size"),
        ("images_in_flight", "images which one ensemble holds at once"),
    ):
        default = defaults[option.replace("_pool", "")]
        group.add_argument(
            f"--{option.replace('_', '-')}",
            type=int,
            default=default,
            metavar="N",
            help=f"{what} (default {default})",
        )
