"""`python -m ensembles fuse`: an ensemble's ONNX models as one graph."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from ensembles.fused.repository import write_fused_repository
from ensembles.repository import DEFAULT_ROOT


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], *, epilog: str) -> None:
    """Add `fuse` to the command line."""
    parser = commands.add_parser(
        "fuse",
        help="join an ensemble's ONNX models into one graph, for lower latency",
        description="Write a complete model repository that serves <ensemble>_fused: backbone, heads and label "
        "propagation as one ONNX graph, with the same inputs and outputs as the ensemble. Faster, since no tensor "
        "travels between models; made anew whenever one of them changes.",
        epilog=epilog,
    )
    parser.add_argument("ensemble", nargs="?", default="detect", help="which ensemble (default: %(default)s)")
    parser.add_argument(
        "--model-repository",
        type=Path,
        default=DEFAULT_ROOT,
        metavar="DIR",
        help="where the ensemble lies, for example a fetched release (default: model_repository of this checkout)",
    )
    parser.add_argument(
        "--into", type=Path, default=Path("out/fused"), metavar="DIR", help="folder to write (default: %(default)s)"
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Run `fuse`; returns the exit code."""
    plan = write_fused_repository(options.model_repository, options.ensemble, options.into)
    graphs = ", ".join(step.name for step in plan.steps)
    console.print(f"{plan.ensemble_config.name} version {plan.version}: one graph of {graphs}", soft_wrap=True)
    console.print(f"serve it: python -m serving --model-repository {options.into}", markup=False, soft_wrap=True)
    return 0
