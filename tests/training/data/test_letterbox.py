"""Training sees exactly the pixels that serving makes."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.letterbox import letterbox

SERVED = Path(__file__).parents[3] / "model_repository/preprocess/1/letterbox.py"


def served_letterbox():
    # Run, not imported: an import would leave a __pycache__ in the model repository.
    return runpy.run_path(str(SERVED))["letterbox"]


@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (333, 500), (500, 500), (1, 1), (2000, 30), (30, 2000), (667, 400)]
)
def test_the_canvas_is_the_served_one_to_the_byte(size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    canvas, factors = letterbox(image)
    served_canvas, served_factors = served_letterbox()(image, image.size)
    assert canvas.tobytes() == served_canvas.tobytes()
    assert factors.tobytes() == served_factors.tobytes()
