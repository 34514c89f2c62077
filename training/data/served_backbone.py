"""The served backbone's graph as a source of features for heads, in the half precision in which they are kept."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FEATURE_NAMES = ("p3", "p4", "p5", "p6", "p7")


class ServedBackbone:
    """Runs the graph on one core: other processes do the same, or train the head, at the same time."""

    def __init__(self, graph: Path) -> None:
        self._graph = graph
        # Opened in the process that runs it: it does not survive a fork.
        self._session: Any = None

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.generic]]:
        """Map pixels UINT8 [N, H, W, 3] to features by name, FP16 [N, C, h, w].

        An error of 0.05 % is far below what the next random view of a photo changes.
        """
        if self._session is None:
            import onnxruntime  # only runs that keep features need it

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(str(self._graph), options, providers=["CPUExecutionProvider"])
        features = self._session.run(list(FEATURE_NAMES), {"pixels": pixels})
        return {name: values.astype(np.float16) for name, values in zip(FEATURE_NAMES, features, strict=True)}
