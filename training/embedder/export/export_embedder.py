"""From an embedder's run folder to model `embedder`, compared with PyTorch before it is installed."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from training.atomic_file import write_atomically
from training.embedder.after_training.calibration import load_calibrations
from training.embedder.embedder import Embedder, EmbedderSpec
from training.embedder.engine.load_embedder import embedder_spec, load_embedder
from training.embedder.export.calibrated_scores import CalibratedScores
from training.embedder.export.embedder_config import write_embedder_configs
from training.embedder.export.embedder_graph import attributes_json, build_embedder_graph
from training.embedder.export.errors import EmbedderExportError
from training.embedder.export.served_embedder import ServedEmbedder
from training.embedder.hashing.hasher import Hasher, load_hasher, weights_sha256

EMBEDDING_TOLERANCE = 1e-4
"""Largest allowed difference of a number of an embedding of unit length."""
SCORE_TOLERANCE = 1e-4
_VERSION_DIGITS = 16


def export_embedder(run_folder: Path, repository: Path, *, version: int) -> dict[str, float]:
    """Install a run's embedder with its hasher and its calibration as a version of model `embedder`.

    Args:
        run_folder: of the embedder; without a `hasher.pt` its hashes are the plain sign binarisation, without a
            `calibration.json` its scores are softmax.
        repository: the model repository; `embedder/config.pbtxt` exists.
        version: folder to write.

    Returns:
        The largest difference from PyTorch by output; of the hashes, the share of bits.

    Raises:
        EmbedderExportError: the graph differs from PyTorch, or there is no config; nothing is installed then.
    """
    spec, embedder = embedder_spec(run_folder), load_embedder(run_folder)
    sha256 = weights_sha256(embedder)
    hasher = load_hasher(run_folder, dims=spec.embedding_dims, embedder_sha256=sha256)
    calibration = {
        head: CalibratedScores(knots.scores, knots.probabilities)
        for head, knots in load_calibrations(run_folder, embedder_sha256=sha256).items()
    }
    graph, differences = build_checked_graph(spec, embedder, hasher, calibration)
    write_embedder_configs(repository / "embedder", graph)
    folder = repository / "embedder" / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "model.onnx", graph.SerializeToString(deterministic=True))
    return differences


def build_checked_graph(
    spec: EmbedderSpec, embedder: Embedder, hasher: Hasher, calibration: dict[str, CalibratedScores]
) -> tuple[onnx.ModelProto, dict[str, float]]:
    """Return the graph of an embedder, and its largest difference from PyTorch by output.

    Raises:
        EmbedderExportError: it differs by more than rounding.
    """
    heads = {head.name: head.labels for head in spec.heads}
    served = ServedEmbedder(embedder, hasher, heads=tuple(heads), calibration=calibration).eval()
    names = ("hashes", "embeddings", *(f"attribute_{head}_{what}" for what in ("ids", "scores") for head in heads))
    metadata = {"embedder_version": embedder_version(embedder, hasher), "attributes": attributes_json(heads)}
    graph = build_embedder_graph(served, names, crop_px=spec.crop_px, metadata=metadata)
    return graph, _differences_from_pytorch(graph, served, names, spec.crop_px)


def embedder_version(embedder: Embedder, hasher: Hasher) -> str:
    """Return an id of what a hash depends on: hashes of two ids cannot be compared."""
    both = f"{weights_sha256(embedder)} {weights_sha256(hasher)}"
    return hashlib.sha256(both.encode()).hexdigest()[:_VERSION_DIGITS]


def _differences_from_pytorch(
    graph: onnx.ModelProto, served: ServedEmbedder, names: tuple[str, ...], crop_px: int
) -> dict[str, float]:
    """Compare on pictures whose crop is the whole picture, so that nothing but the network is compared."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    # Coarse blocks: noise of single pixels is the same picture to a network.
    blocks = rng.integers(0, 256, (4, crop_px // 16, crop_px // 16, 3), dtype=np.uint8)
    crops = blocks.repeat(16, axis=1).repeat(16, axis=2)
    received = session.run(
        list(names),
        {
            "object_canvas": crops,
            "canvas_to_image_objects": np.ones((len(crops), 2), np.float32),
            "image_size": np.full((len(crops), 2), crop_px, np.int32),
            "boxes": np.tile(np.array([0, 0, crop_px, crop_px], np.float32), (len(crops), 1, 1)),
        },
    )
    differences: dict[str, float] = dict.fromkeys(names, 0.0)
    for row, crop in enumerate(crops):
        with torch.no_grad():
            answer = served(torch.from_numpy(crop[None]).float())
        expected = [answer.hash, answer.embedding, *answer.label_ids_per_head, *answer.scores_per_head]
        for name, ours, theirs in zip(names, expected, received, strict=True):
            differences[name] = max(differences[name], _difference(name, ours.numpy(), theirs[row, 0]))
    for name, difference in differences.items():
        if not difference <= _allowed(name):
            raise EmbedderExportError(
                f"the graph's {name} differ from PyTorch by {difference:.3g}, allowed is {_allowed(name):.3g}. Nothing "
                "is installed; export again, and if it stays so, look for an operation whose export changed."
            )
    return differences


def _difference(name: str, ours: np.ndarray, theirs: np.ndarray) -> float:  # type: ignore[type-arg]
    if name == "hashes":
        return float(np.unpackbits(ours ^ theirs).mean())
    if name.endswith("_ids"):
        return 0.0  # two labels that tie to rounding may stand in either order; their scores are compared
    return float(np.abs(ours.astype(np.float64) - theirs).max())


def _allowed(name: str) -> float:
    if name == "hashes":
        return 0.02  # bits whose codes are 0 to rounding
    return EMBEDDING_TOLERANCE if name == "embeddings" else SCORE_TOLERANCE
