"""Real files, 46 of them, most made to trip decoders up."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.model_repository.preprocess.siblings import image_limits, image_preprocessor, image_refused

REASON_OF_EXPECTED = {
    "cannot be opened": "broken_image",
    "header ok, pixel data broken": "broken_image",
    "reject": "too_many_pixels",
}


def expected_reason(entry: dict[str, Any]) -> str | None:
    """The refusal's reason, None for a photo that decodes."""
    kind = entry["expected"].partition(":")[0]
    return None if kind == "decodes" else REASON_OF_EXPECTED[kind]


@pytest.fixture(scope="module")
def photos(genod_data: Path) -> list[tuple[Path, dict[str, Any]]]:
    folder = genod_data / "photos"
    return [(folder / entry["file"], entry) for entry in json.loads((folder / "expected.json").read_text())]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data", "ignore:Image appears to be a malformed MPO file")
def test_each_photo_does_what_is_expected_of_it(photos):
    preprocessor = image_preprocessor.ImagePreprocessor(image_limits.ImageLimits())
    outcomes, expected = {}, {}
    for photo, entry in photos:
        reason = expected_reason(entry)
        expected[photo.name] = tuple(entry["upright_size"]) if reason is None else reason
        try:
            outcomes[photo.name] = preprocessor.preprocess(photo.read_bytes()).image_size
        except image_refused.ImageRefusedError as refused:
            outcomes[photo.name] = str(refused.reason)

    assert outcomes == expected
    assert len(outcomes) == 46


def test_the_landscapes_of_one_scene_look_alike_once_upright(photos):
    # One scene saved in each orientation: turned wrongly, they would differ by more than JPEG's losses.
    preprocessor = image_preprocessor.ImagePreprocessor(image_limits.ImageLimits())
    canvases = [
        preprocessor.preprocess(photo.read_bytes()).on_detector_canvas.pixels.astype(int)
        for photo, _ in photos
        if photo.name.startswith("sharp_Landscape_")
    ]

    assert len(canvases) == 6
    assert all(abs(canvas - canvases[0]).mean() < 12 for canvas in canvases)
