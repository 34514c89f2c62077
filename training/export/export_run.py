"""From a run folder to the files of a model repository, each checked against PyTorch before it is installed."""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.atomic_file import write_atomically
from training.data.coco_photos import CocoPhotos
from training.data.errors import DataError
from training.data.letterbox import letterbox
from training.data.roots import data_set_folder
from training.detector.build import detector_of_state
from training.detector.detector import Detector
from training.detector.served_head import ServedHead
from training.engine.checkpoint import load_checkpoint
from training.engine.recipe import Recipe
from training.engine.training_data import class_category_ids, head_classes
from training.export.detector_graphs import export_backbone, export_head
from training.export.parity import check_backbone, check_head

PARITY_PHOTOS = 4


def load_run(run_folder: Path) -> tuple[Recipe, Detector]:
    """Return a run's recipe and its detector with averaged weights.

    Raises:
        FileNotFoundError: The folder holds no finished epoch.
    """
    path = run_folder / "last.pt"
    if not path.exists():
        raise FileNotFoundError(f"{run_folder} holds no last.pt: run `python -m training train RECIPE` first")
    recipe = Recipe.load(run_folder / "recipe.yaml")
    averaged = load_checkpoint(path)["averaged"]
    return recipe, detector_of_state(recipe, averaged).eval()


def export_run(run_folder: Path, repository: Path, *, version: int, with_backbone: bool) -> dict[str, float]:
    """Install a run's head, and its backbone if asked, as version `version` of their models.

    Returns:
        The largest difference from PyTorch by "<model>.<output>".

    Raises:
        ParityError: A graph differs from PyTorch; what was installed before is untouched.
        DataError: There is no val photo to compare on.
    """
    recipe, detector = load_run(run_folder)
    photos = CocoPhotos(data_set_folder(recipe.data_set or next(iter(recipe.data_sets))), "val")
    if not photos.photos:
        raise DataError(
            f"{photos.folder} has no val photos to compare the graph with PyTorch on: name some in split.json"
        )
    taxonomy_ids = class_category_ids(recipe, photos.name, head_classes(recipe))
    canvases = [letterbox(photo.open())[0][None] for photo in photos.photos[:PARITY_PHOTOS]]
    canvases.append(_mirrored_pair(canvases[0]))
    differences: dict[str, float] = {}
    # Staged outside the repository: Triton takes every folder in it for a model.
    with tempfile.TemporaryDirectory() as scratch:
        staged: dict[str, Path] = {}
        if with_backbone:
            staged["backbone"] = Path(scratch) / "backbone.onnx"
            export_backbone(detector.backbone, staged["backbone"])
            found = check_backbone(detector.backbone, staged["backbone"], canvases)
            differences |= {f"backbone.{name}": value for name, value in found.items()}
        staged[recipe.head] = Path(scratch) / f"{recipe.head}.onnx"
        export_head(detector.head, taxonomy_ids, staged[recipe.head])
        found = check_head(detector.backbone, ServedHead(detector.head, taxonomy_ids), staged[recipe.head], canvases)
        differences |= {f"{recipe.head}.{name}": value for name, value in found.items()}
        for model, graph in staged.items():
            folder = repository / model / str(version)
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "model.onnx", graph.read_bytes())
    return differences


def _mirrored_pair(canvas: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a batch of two different images, since a graph may be right for one image only."""
    return np.concatenate([canvas, np.ascontiguousarray(canvas[:, :, ::-1])])
