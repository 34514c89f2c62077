"""A stand-in for the ensemble `embed`. Its "images" are commands, so that a test chooses what happens."""

import time

import numpy as np
import triton_python_backend_utils as pb_utils
from toy_embedder import embed_tensors


class TritonPythonModel:
    """Answers each command; any other bytes get the boxes embedded."""

    def execute(self, requests):
        """Answer a batch of requests, one after the other."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        image = pb_utils.get_input_tensor_by_name(request, "image").as_numpy()[0, 0]
        command, _, argument = image.decode("latin-1").partition(" ")
        if command == "refuse":
            message = f"image refused ({argument}): this is what the toy was told to say"
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG))
        if command == "sleep":
            time.sleep(float(argument))
        boxes = pb_utils.get_input_tensor_by_name(request, "boxes").as_numpy()[0]
        tensors = embed_tensors(boxes, image_size=(640, 480))
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, np.asarray(array)) for name, array in tensors.items()])
