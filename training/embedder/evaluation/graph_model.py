"""The exported graph as something that embeds images: what is served is what is judged."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from training.embedder.evaluation.embedded_crops import EmbeddedCrops
from training.embedder.evaluation.errors import EvaluationError

SHORTER_SIDE_PX, LONGER_SIDE_PX = 800, 1334
"""Of the canvas that crops are cut from; a smaller image is not enlarged."""


class GraphModel:
    """Model `embedder` of a model repository, run by ONNX Runtime; each image is a photo with one box, all of it."""

    def __init__(self, path: Path) -> None:
        """Load a graph.

        Raises:
            EvaluationError: it is missing, or no embedder's.
        """
        if not path.is_file():
            raise EvaluationError(f"no graph {path}: write it with python -m training export embedder RUN")
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise EvaluationError(f"{path} is no graph that ONNX Runtime can run: {str(error)[:200]}") from error
        self._inputs = {value.name for value in self._session.get_inputs()}
        self._outputs = [value.name for value in self._session.get_outputs()]
        if missing := {"object_canvas", "boxes"} - self._inputs | {"hashes", "embeddings"} - set(self._outputs):
            raise EvaluationError(f"{path} has no {', '.join(sorted(missing))}: it is no graph of an embedder")
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.labels_of_head: Mapping[str, Sequence[str]] = json.loads(metadata.get("attributes", "{}"))
        self.name = f"{path.parent.parent.name} {path.parent.name} ({metadata.get('embedder_version', 'no version')})"

    def embed(self, images: Sequence[Image.Image]) -> EmbeddedCrops:
        """Embed RGB images one by one."""
        answers = [self._run(image) for image in images]
        best = {
            head: [labels[int(answer[f"attribute_{head}_ids"][0, 0, 0])] for answer in answers]
            for head, labels in self.labels_of_head.items()
        }
        return EmbeddedCrops(
            embeddings=np.stack([answer["embeddings"][0, 0] for answer in answers]),
            hashes=np.stack([answer["hashes"][0, 0] for answer in answers]),
            best_labels=best,
        )

    def _run(self, image: Image.Image) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
        width, height = image.size
        scale = min(1.0, SHORTER_SIDE_PX / min(width, height), LONGER_SIDE_PX / max(width, height))
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        canvas = image if scale == 1.0 else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        feeds = {
            "object_canvas": np.asarray(canvas)[None],
            "canvas_to_image_objects": np.array([[width / size[0], height / size[1]]], np.float32),
            "image_size": np.array([[width, height]], np.int32),
            "boxes": np.array([[[0, 0, width, height]]], np.float32),
        }
        found = self._session.run(self._outputs, {name: v for name, v in feeds.items() if name in self._inputs})
        return dict(zip(self._outputs, found, strict=True))
