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
from image_preprocessor import ImagePreprocessor, PreprocessedImage, canvases_for
from image_refused import ImageRefusedError
from letterbox import Canvas
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
        jobs_per_request = [_jobs(request) for request in requests]
        jobs = [job for jobs in jobs_per_request for job in jobs]
        # A single image, the usual case at low load, is spared the hop to another thread.
        run = map if len(jobs) == 1 else self._pool.map
        outcomes = iter(run(self._preprocess_or_error, jobs))
        return [
            _response(list(islice(outcomes, len(jobs))), request.requested_output_names())
            for request, jobs in zip(requests, jobs_per_request, strict=True)
        ]

    def finalize(self) -> None:
        """Stops the threads; Triton calls it when the model is unloaded."""
        self._pool.shutdown()

    def _preprocess_or_error(self, job: tuple[bytes, Sequence[Canvas]]) -> PreprocessedImage | Exception:
        try:
            return self._preprocessor.preprocess(*job)
        except Exception as error:  # one image's failure, whatever it is, must not reach its neighbours
            return error


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))  # inside a container fewer than the machine has


def _jobs(request: Any) -> list[tuple[bytes, Sequence[Canvas]]]:
    """Each row's file, and the canvases that the caller or the ensemble wants of it."""
    files = pb_utils.get_input_tensor_by_name(request, "image").as_numpy().reshape(-1)
    canvases = canvases_for(request.requested_output_names())
    return [(file, canvases) for file in files]


def _response(outcomes: Sequence[PreprocessedImage | Exception], output_names: Sequence[str]) -> Any:
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
    tensors_per_image = [image.tensors() for image in images]
    return pb_utils.InferenceResponse(
        output_tensors=[
            pb_utils.Tensor(name, _stack([tensors[name] for tensors in tensors_per_image])) for name in output_names
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

    Not by pb_utils.Logger, on a suspicion: its message waits in shared memory for a thread of tritonserver, and in two
    of about 80 starts on a loaded machine 2.51 aborted while models loaded (boost::interprocess::lock_exception). That
    was never reproduced; of the later starts, without the logger, 84 of 84 went well.
    """
    print(line, file=sys.stderr, flush=True)
