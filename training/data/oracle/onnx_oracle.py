"""An ONNX detector with names for its classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from training.data.errors import OracleError
from training.data.oracle.conventions import GraphTensor, convention_of
from training.data.oracle.detections import OracleDetections, best_detections


class OnnxOracle:
    """Runs a graph on the processor."""

    def __init__(self, graph: Path, category_ids: Sequence[int | None], *, min_score: float) -> None:
        """Load a graph.

        Args:
            graph: an ONNX file of a convention that we know.
            category_ids: the taxonomy's category of each of its classes, in their order; None where it has none.
            min_score: what it says with less confidence is dropped.

        Raises:
            OracleError: it cannot be loaded, or is no detector that we know.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors share no base class of their own
            raise OracleError(f"{graph} cannot be loaded: {str(error).splitlines()[0]}") from error
        self.name = graph.stem
        self._category_ids = tuple(category_ids)
        self._min_score = min_score
        self._convention = convention_of(
            [_tensor(i) for i in self._session.get_inputs()], [_tensor(o) for o in self._session.get_outputs()]
        )
        self._outputs = [o.name for o in self._session.get_outputs()]

    def detect(self, photo: Image.Image) -> OracleDetections:
        """Detect in an RGB photo."""
        values = self._session.run(self._outputs, self._convention.feeds(photo))
        boxes, scores, classes = self._convention.decode(dict(zip(self._outputs, values, strict=True)), photo.size)
        return best_detections(
            boxes,
            scores,
            classes,
            size=photo.size,
            min_score=self._min_score,
            nms_iou=self._convention.nms_iou,
        )

    def category_id(self, class_index: int) -> int | None:
        """Return the taxonomy's category of a class.

        Raises:
            OracleError: the graph has more classes than there are names.
        """
        if not 0 <= class_index < len(self._category_ids):
            raise OracleError(
                f"{self.name} answers with class {class_index}, and there are names for {len(self._category_ids)}: "
                "name its labels with --labels"
            )
        return self._category_ids[class_index]


def _tensor(argument: Any) -> GraphTensor:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in argument.shape)
    return GraphTensor(argument.name, shape, argument.type)
