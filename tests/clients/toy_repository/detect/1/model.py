"""A stand-in for the ensemble `detect`. Its "images" are commands, so that a test chooses what happens."""

import time

import numpy as np
import triton_python_backend_utils as pb_utils
from scene import SCENE, answer_tensors


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
            return _error(message, pb_utils.TritonError.INVALID_ARG)
        if command == "fail":
            return _error("the toy was told to fail", pb_utils.TritonError.INTERNAL)
        if command == "sleep":
            time.sleep(float(argument))
        rows = SCENE if command != "nothing" else []
        if command == "class":
            rows = [(*row[:2], int(argument), False) for row in SCENE[:1]]
        tensors = answer_tensors(rows, image_size=(640, 480))
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, np.asarray(array)) for name, array in tensors.items()])


def _error(message, code):
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, code))
