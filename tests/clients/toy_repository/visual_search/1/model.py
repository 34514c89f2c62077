"""A stand-in for the ensemble `visual_search`. Its "images" are commands, so that a test chooses what happens."""

import time

import numpy as np
import triton_python_backend_utils as pb_utils
from scene import SCENE, answer_tensors
from toy_embedder import object_tensors


class TritonPythonModel:
    """Answers each command; any other bytes get the scene."""

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
        rows = SCENE if command != "nothing" else []
        tensors = {**answer_tensors(rows, image_size=(640, 480)), **object_tensors(rows)}
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, np.asarray(array)) for name, array in tensors.items()])
