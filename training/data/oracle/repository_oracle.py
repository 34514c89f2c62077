"""Our own served detector as an oracle: a model repository, run in process."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.data.letterbox import letterbox
from training.data.oracle.detections import OracleDetections, best_detections
from training.evaluation.evaluate_repository import RepositoryDetector


class RepositoryOracle:
    """Backbone, heads and label propagation; what was propagated is left out, as it follows from the rest."""

    def __init__(self, repository: Path, *, min_score: float) -> None:
        """Load the newest graphs; FileNotFoundError if one is missing."""
        self._detector = RepositoryDetector(repository)
        self._min_score = min_score
        self.name = repository.resolve().name

    def detect(self, photo: Image.Image) -> OracleDetections:
        """Detect in an RGB photo; the classes are ids of the taxonomy."""
        canvas, canvas_to_image = letterbox(photo)
        found = self._detector.detect(canvas, canvas_to_image, photo.size)
        rows = np.flatnonzero(~found["is_propagated"][: int(found["num_detections"][0])])
        return best_detections(
            found["boxes"][rows],
            found["scores"][rows],
            found["class_ids"][rows].astype(np.int64),
            size=photo.size,
            min_score=self._min_score,
            nms_iou=None,
        )

    def category_id(self, class_index: int) -> int | None:
        """The served heads answer with ids already."""
        return class_index
