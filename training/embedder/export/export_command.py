"""`python -m training export {embedder,object-selection}`."""

import argparse
from pathlib import Path

from rich.console import Console


def add_embedder_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `export embedder`."""
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of an embedder's run")


def run_embedder(arguments: argparse.Namespace) -> int:
    """Export an embedder."""
    from training.embedder.export.export_embedder import export_embedder

    with Console().status(f"exporting {arguments.run_folder} and comparing with PyTorch, about a minute"):
        differences = export_embedder(arguments.run_folder, arguments.to, version=arguments.version)
    for name, difference in differences.items():
        kind = "share of bits that differ" if name == "hashes" else "largest difference"
        print(f"{name}: {kind} from PyTorch {difference:.2e}")
    print(f"wrote {arguments.to / 'embedder' / str(arguments.version)}. Next: python -m ensembles render")
    return 0


def run_object_selection(arguments: argparse.Namespace) -> int:
    """Write the graph that picks the objects."""
    from training.embedder.export.object_selection import export_object_selection

    folder = arguments.to / "object_selection" / str(arguments.version)
    export_object_selection(folder)
    print(f"wrote {folder}")
    return 0
