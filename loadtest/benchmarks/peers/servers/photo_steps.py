"""Photo bytes to the network's input, by the very modules that Triton's preprocess runs; and tensors to JSON."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Tensors = dict[str, np.ndarray[Any, Any]]
ANSWERS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections")


class PhotoReader:
    """Decodes, turns upright, letterboxes."""

    def __init__(self, repository: Path) -> None:
        sys.dont_write_bytecode = True  # a __pycache__ in the repository would be a model to Triton
        sys.path.insert(0, str(repository / "preprocess/1"))
        limits = importlib.import_module("image_limits").ImageLimits()
        self._preprocessor = importlib.import_module("image_preprocessor").ImagePreprocessor(limits)
        importlib.import_module("decode").guard_pillow(limits)
        sys.path.pop(0)

    def __call__(self, photo: bytes) -> Tensors:
        """Return `pixels` UINT8 [1, H, W, 3], `image_size` INT32 [1, 2] and `canvas_to_image` FP32 [1, 2]."""
        return {name: tensor[np.newaxis] for name, tensor in self._preprocessor.preprocess(photo).tensors().items()}


def to_json(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer for one photo, without the rows that are padding."""
    rows = int(tensors["num_detections"][0, 0])
    width, height = tensors["image_size"][0].tolist()
    answer = {name: tensors[name][0, :rows].tolist() for name in ("boxes", "scores", "class_ids", "is_propagated")}
    return {**answer, "num_detections": rows, "image_size": [width, height]}
