"""Triton's side of ``preprocess``: tensors in, tensors out; the work is done by ImagePreprocessor.

Triton puts this folder on ``sys.path``: siblings import by bare name, and nothing else first-party exists.
"""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from decode import guard_pillow
from image_format import SUPPORTED_FORMATS
from image_limits import ImageLimits, whole_number_parameter
from image_preprocessor import ImagePreprocessor, PreprocessedImage
from image_refused import ImageRefusedError
from request_batch import annotate_row, check_one_orientation


class TritonPythonModel:
    """Decodes the images of a batch in a few threads: Pillow decodes outside Python's global lock."""

    def initialize(self, args: dict[str, str]) -> None:
        """Reads limits and thread count from the model's parameters.

        Args:
            args: What Triton passes; ``model_config`` is the JSON of config.pbtxt.

        Raises:
            ValueError: A parameter is no whole number in range; Triton reports that the model failed to load.
        """
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        limits = ImageLimits.from_parameters(parameters)
        threads = whole_number_parameter(parameters, "decode_threads", 0) or _usable_cores()
        guard_pillow(limits)
        self._preprocessor = ImagePreprocessor(limits)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        _log(f"{args['model_name']}: reads {', '.join(SUPPORTED_FORMATS)}; {limits}; {threads} decode threads")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answers every request with its tensors or with its own error.

        Args:
            requests: One or more, each with a tensor ``image`` of BYTES (N, 1).

        Returns:
            One response per request, in their order.
        """
        files_per_request = [_image_files(request) for request in requests]
        files = [file for files in files_per_request for file in files]
        # A single image, the usual case at low load, is spared the hop to another thread.
        run = map if len(files) == 1 else self._pool.map
        outcomes = iter(run(self._preprocess_or_error, files))
        return [_response(list(islice(outcomes, len(files)))) for files in files_per_request]

    def finalize(self) -> None:
        """Stops the threads; Triton calls it when the model is unloaded."""
        self._pool.shutdown()

    def _preprocess_or_error(self, file: bytes) -> PreprocessedImage | Exception:
        try:
            return self._preprocessor.preprocess(file)
        except Exception as error:  # one image's failure, whatever it is, must not reach its neighbours
            return error


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))  # inside a container fewer than the machine has


def _image_files(request: Any) -> list[bytes]:
    return list(pb_utils.get_input_tensor_by_name(request, "image").as_numpy().reshape(-1))


def _response(outcomes: Sequence[PreprocessedImage | Exception]) -> Any:
    """Builds the answer to one request out of what became of its rows."""
    images = []
    for row, outcome in enumerate(outcomes):
        if isinstance(outcome, Exception):
            return _error_response(annotate_row(outcome, row, len(outcomes)))
        images.append(outcome)
    try:
        check_one_orientation([image.image_size for image in images])
    except ImageRefusedError as error:
        return _error_response(error)
    return pb_utils.InferenceResponse(
        output_tensors=[
            pb_utils.Tensor("pixels", _stack([image.canvas for image in images])),
            pb_utils.Tensor("image_size", np.array([image.image_size for image in images], np.int32)),
            pb_utils.Tensor("canvas_to_image", _stack([image.canvas_to_image for image in images])),
        ]
    )


def _stack(arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Adds the batch axis in front; a lone canvas is not copied for it."""
    return arrays[0][np.newaxis] if len(arrays) == 1 else np.stack(arrays)


def _error_response(error: Exception) -> Any:
    if isinstance(error, ImageRefusedError):
        triton_error = pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
    else:
        message = f"preprocess failed with {type(error).__name__}: {error}; the server's log has more"
        _log(message)
        triton_error = pb_utils.TritonError(message, pb_utils.TritonError.INTERNAL)
    return pb_utils.InferenceResponse(error=triton_error)


def _log(line: str) -> None:
    """Write to the server's log, which is the process's standard error.

    Not by pb_utils.Logger: its message waits in shared memory for a thread of tritonserver, and on a machine without a
    core to spare 2.51 then sometimes aborts (boost::interprocess::lock_exception, while models load).
    """
    print(line, file=sys.stderr, flush=True)
