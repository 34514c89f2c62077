import numpy as np
from PIL import Image, ImageDraw

from tests.training.embedder.evaluation.painted_crops import crop
from training.embedder.evaluation.disturbed_crop import SIDE_PX, disturbed


def test_a_disturbed_picture_is_small_differs_and_is_always_the_same(tmp_path) -> None:
    image = Image.new("RGB", (200, 120), "white")
    ImageDraw.Draw(image).ellipse((40, 20, 160, 100), fill="#c02010")
    path = tmp_path / "logo.png"
    image.save(path)
    shown = disturbed(crop(path, "a")).open()

    assert max(shown.size) <= SIDE_PX
    np.testing.assert_array_equal(np.asarray(shown), np.asarray(disturbed(crop(path, "a")).open()))
    straight = np.asarray(image.resize(shown.size), np.float64)
    assert np.abs(np.asarray(shown, np.float64) - straight).mean() > 10
    assert np.asarray(shown).std() > 10  # there still is something to be seen
