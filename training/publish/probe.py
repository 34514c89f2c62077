"""The fixed probe set, and the answers of heads to it, to the bit."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import skimage.data
from PIL import Image

from training.data.letterbox import letterbox

Canvas = npt.NDArray[np.uint8]
FEATURES = ("p3", "p4", "p5", "p6", "p7")
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
"""Of scikit-image's wheel, which every machine has."""


def probe_canvases() -> list[Canvas]:
    """Photos that a wheel ships, noise, and an empty canvas, in both orientations; the same everywhere.

    Returns:
        Canvases UINT8 [H, W, 3].
    """
    photos = [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in PHOTOS]
    photos += [photo.transpose(Image.Transpose.ROTATE_90) for photo in photos]
    canvases = [letterbox(photo)[0] for photo in photos]
    rng = np.random.default_rng(0)
    canvases += [rng.integers(0, 256, canvas.shape, dtype=np.uint8) for canvas in (canvases[0], canvases[-1])]
    canvases += [np.zeros_like(canvas) for canvas in (canvases[0], canvases[-1])]
    return canvases


def head_answers(
    repository: Path, versions: Mapping[str, int], heads: Sequence[str], canvases: Sequence[Canvas]
) -> dict[str, str]:
    """Run backbone and heads, and return for each head the sha256 of all its outputs for all canvases.

    Args:
        repository: a model repository.
        versions: of the backbone and the heads.
        heads: which heads.
        canvases: UINT8 [H, W, 3] each.
    """
    backbone = _session(repository, "backbone", versions)
    sessions = {head: _session(repository, head, versions) for head in heads}
    digests = {head: hashlib.sha256() for head in heads}
    for canvas in canvases:
        features = dict(zip(FEATURES, backbone.run(list(FEATURES), {"pixels": canvas[None]}), strict=True))
        for head, session in sessions.items():
            for output in session.run(None, features):
                digests[head].update(np.ascontiguousarray(output).tobytes())
    return {head: digest.hexdigest() for head, digest in digests.items()}


def _session(repository: Path, model: str, versions: Mapping[str, int]) -> Any:
    options = onnxruntime.SessionOptions()
    # The order of additions depends on the number of threads: one, so that equal graphs give equal bits everywhere.
    options.intra_op_num_threads = 1
    path = repository / model / str(versions[model]) / "model.onnx"
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
