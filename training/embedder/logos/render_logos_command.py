"""`python -m training render-logos`: a set of logo pictures, `{train,val}/<brand>/<number>.jpg`, from vector files."""

import argparse
from pathlib import Path

from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--svgs", type=Path, required=True, help="folder of <brand>.svg")
    parser.add_argument("--to", type=Path, required=True, help="new folder for {train,val}/<brand>/<number>.jpg")
    parser.add_argument("--per-brand", type=int, default=6, help="pictures of each brand (6)")
    parser.add_argument(
        "--words", type=float, default=0.3, help="share of brands whose name alone is a product too (0.3)"
    )
    parser.add_argument("--val-brands", type=float, default=0.1, help="share of brands that are in val alone (0.1)")
    parser.add_argument(
        "--leave-out", nargs="*", default=(), metavar="NAME", help="no brand whose file name contains one of these"
    )
    parser.add_argument("--max-brands", type=int, help="only the first so many, by the hash of their names")
    parser.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace) -> int:
    """Draw the set.

    Raises:
        LogoError: there is nothing to draw, or something is in the way.
    """
    from training.embedder.logos.render_logos import render_logos

    console = Console()
    brands, unreadable = render_logos(
        svgs=arguments.svgs,
        to=arguments.to,
        per_brand=arguments.per_brand,
        words=arguments.words,
        val_brands=arguments.val_brands,
        leave_out=arguments.leave_out,
        max_brands=arguments.max_brands,
        seed=arguments.seed,
        console=console,
    )
    for problem in unreadable:
        console.print(f"left out: {problem}")
    console.print(f"{brands} brands, {arguments.per_brand} pictures of each, in {arguments.to}")
    return 0
