"""`python -m training embed`: boxes, hashes and embeddings of photos' objects, as `visual_search` serves them."""

import argparse
import sys
from pathlib import Path

from training.data.roots import REPOSITORY_ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `embed`."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="image files")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE.npz", help="where the arrays are written")
    parser.add_argument(
        "--repository",
        type=Path,
        default=REPOSITORY_ROOT / "model_repository",
        metavar="DIR",
        help="model repository, or a fetched release (default: %(default)s)",
    )
    parser.add_argument("--skip-refused", action="store_true", help="go on behind a photo that cannot be decoded")


def run(arguments: argparse.Namespace) -> int:
    """Embed photos; those that are refused are named, and without `--skip-refused` the first one ends it."""
    from rich.progress import track

    from training.embedder.export.embedded_photos import EmbeddedPhotos
    from training.embedder.export.errors import OfflineError
    from training.embedder.export.offline_ensemble import OfflineEnsemble

    ensemble = OfflineEnsemble(arguments.repository, "visual_search")
    embedded = EmbeddedPhotos(embedder_version=ensemble.parameters["embedder_version"])
    refused = 0
    for photo in track(arguments.photos, description="embed", transient=True):
        try:
            embedded.add(str(photo), ensemble({"image": photo.read_bytes()}, EmbeddedPhotos.OUTPUTS))
        except (OfflineError, OSError) as error:
            if not arguments.skip_refused:
                raise OfflineError(f"{photo}: {error}; --skip-refused goes on without such photos") from error
            refused += 1
            print(f"skipped {photo}: {error}", file=sys.stderr)
    if not embedded.num_photos:
        raise OfflineError("every photo was refused: there is nothing to write")
    embedded.write(arguments.to)
    print(f"{arguments.to}: {embedded.num_objects} objects of {embedded.num_photos} photos, {refused} refused")
    return 0
