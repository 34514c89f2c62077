"""Hashes of the images of a file of pairs: by a run's embedder, or made elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.problems import DataProblem
from training.embedder.after_training.errors import PairsError
from training.embedder.data import LabelledCrop
from training.embedder.hashing.hamming import Hashes


@dataclass(frozen=True, kw_only=True, slots=True)
class HashedImages:
    """Images that have a hash, and what is wrong with the others."""

    hashes: dict[str, Hashes]
    """UINT8 [bytes] of each image, by its name in the file of pairs."""
    problems: tuple[DataProblem, ...]


def hash_images(run_folder: Path, images: Sequence[str], folder: Path) -> HashedImages:
    """Hash whole images by a run's embedder and hasher.

    Args:
        run_folder: of the embedder.
        images: paths, absolute or below `folder`.
        folder: of the images.

    Raises:
        PairsError: none of them can be read.
    """
    from rich.progress import track

    from training.embedder.hashing.hash_quality import hashes_of
    from training.embedder.hashing.hasher import load_hasher
    from training.embedder.trained_run import TrainedRun

    trained = TrainedRun.open(run_folder)
    dims = trained.recipe.embedding_dims
    hasher = load_hasher(run_folder, dims=dims, embedder_sha256=trained.embedder_sha256)
    readable: list[str] = []
    problems = []
    for image in images:
        try:
            _crop(folder / image).open()
        except (OSError, SyntaxError, ValueError) as error:
            is_missing = isinstance(error, FileNotFoundError)
            problems.append(DataProblem("photo missing" if is_missing else "photo unreadable", image, str(error)))
        else:
            readable.append(image)
    if not readable:
        raise PairsError(
            f"none of the {len(images)} images can be read, the first is {folder / images[0]}: "
            "name their folder by --images"
        )
    answers = trained.ask(
        [_crop(folder / image) for image in readable],
        shown=lambda starts: track(list(starts), description="hash images", transient=True),
    )
    hashes = hashes_of(hasher, answers.embeddings)
    return HashedImages(hashes=dict(zip(readable, hashes, strict=True)), problems=tuple(problems))


def read_hashes(path: Path, images: Sequence[str]) -> HashedImages:
    """Read hashes that were made elsewhere.

    Args:
        path: .npz with `images`, names as the file of pairs has them, and `hashes`, UINT8 [I, bytes].
        images: that are asked for.

    Raises:
        PairsError: the file holds something else, or none of the images.
    """
    expected = "an .npz with `images` [I] of text and `hashes` UINT8 [I, bytes]"
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, hashes = [str(name) for name in stored["images"]], stored["hashes"]
    except FileNotFoundError:
        raise
    except Exception as error:  # numpy names what is no such file by many errors
        raise PairsError(f"{path} must be {expected}: {error}") from error
    if hashes.dtype != np.uint8 or hashes.ndim != 2 or len(hashes) != len(names) or not hashes.shape[1]:
        raise PairsError(f"{path} must be {expected}, got {len(names)} names and {hashes.dtype} {hashes.shape}")
    stored_hashes = dict(zip(names, hashes, strict=True))
    found = {image: stored_hashes[image] for image in images if image in stored_hashes}
    if not found:
        raise PairsError(f"{path} holds none of the images of the pairs, the first of which is {images[0]}")
    missing = [DataProblem("photo missing", image, "it has no hash") for image in images if image not in found]
    return HashedImages(hashes=found, problems=tuple(missing))


def _crop(path: Path) -> LabelledCrop:
    return LabelledCrop(path=path, box_xyxy_px=None, product=None, data_set="", split="all")
