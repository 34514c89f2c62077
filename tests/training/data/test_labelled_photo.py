"""Opening photos: upright where boxes are, at a reduced scale where that is enough, never fatal in training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training.data.photos_on_disk import paint
from training.data.augmentation import CanvasAugmentation
from training.data.labelled_photo import LabelledPhoto
from training.data.training_photos import TrainingPhotos


def labelled(path, size, boxes=((10, 10, 50, 50),)):
    width, height = size
    return LabelledPhoto(path, 1, width, height, torch.tensor(boxes, dtype=torch.float32), ("cat",) * len(boxes))


@pytest.mark.parametrize(("shorter", "decoded"), [(None, 1200), (700, 1200), (600, 600), (400, 600), (140, 150)])
def test_a_large_jpeg_is_decoded_no_smaller_than_needed(tmp_path, shorter, decoded):
    photo = labelled(paint(tmp_path / "large.jpg", (1600, 1200)), (1600, 1200))
    assert min(photo.open(shorter_side_px=shorter).size) == decoded


def test_boxes_are_the_same_on_the_canvas_whatever_the_scale_of_decoding(tmp_path):
    size = (2000, 1600)
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[400:800, 600:1000] = 255
    Image.fromarray(pixels).save(tmp_path / "large.jpg")
    Image.fromarray(pixels).save(tmp_path / "large.png")
    augmentation = CanvasAugmentation(shorter_side_range_px=(400, 400), horizontal_flip=False)
    samples = []
    for name in ("large.jpg", "large.png"):
        photo = labelled(tmp_path / name, size, ((600, 400, 1000, 800),))
        photos = TrainingPhotos([photo], [], [], ["cat"], augmentation)
        torch.manual_seed(3)
        samples.append(photos[0])
    torch.testing.assert_close(samples[0].boxes, samples[1].boxes, rtol=0, atol=0.5)
    x1, y1, x2, y2 = samples[0].boxes[0].round().int().tolist()
    seen = samples[0].pixels.float()
    inside = seen[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3].mean()
    beside = seen[y1 + 3 : y2 - 3, x2 + 3 : x2 + 30].mean()
    assert inside > beside + 50  # white on black, whatever became of the colours


def test_a_photo_whose_sides_halve_to_a_square_stays_on_its_canvas(tmp_path):
    size = (1999, 2000)
    photo = labelled(paint(tmp_path / "tall.jpg", size), size)
    photos = TrainingPhotos([photo], [], [], ["cat"], CanvasAugmentation(shorter_side_range_px=(300, 340)))
    assert not photos.is_landscape(0)
    assert photos[0].pixels.shape == (672, 416, 3)


def test_a_photo_turned_by_its_camera_is_upright_if_its_boxes_are(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = paint(tmp_path / "turned.jpg", (80, 60), exif=exif)
    assert labelled(path, (60, 80)).open().size == (60, 80)
    assert labelled(path, (80, 60)).open().size == (80, 60)  # boxes drawn on the pixels as stored


def test_a_photo_that_vanishes_during_training_teaches_nothing_and_is_named(tmp_path, capfd):
    photo = replace(labelled(paint(tmp_path / "gone.jpg"), (80, 60)), annotated_labels=frozenset({"cat"}))
    photos = TrainingPhotos([photo], [], [], ["cat", "dog"], CanvasAugmentation(shorter_side_range_px=(300, 340)))
    assert photos[0].class_is_known.tolist() == [True, False]
    photo.path.unlink()
    sample = photos[0]
    assert sample.pixels.shape == (416, 672, 3)
    assert sample.boxes.shape == (0, 4)
    assert sample.class_is_known.tolist() == [False, False]
    assert "gone.jpg" in capfd.readouterr().err


def test_a_half_turn_is_both_flips_at_once(tmp_path):
    size = (672, 416)
    pixels = np.zeros((416, 672, 3), np.uint8)
    pixels[:100, :200, 0] = 255
    Image.fromarray(pixels).save(tmp_path / "corner.png")
    photo = labelled(tmp_path / "corner.png", size, ((0, 0, 200, 100),))
    augmentation = CanvasAugmentation(shorter_side_range_px=(416, 416), horizontal_flip=False, half_turn=True)
    photos = TrainingPhotos([photo], [], [], ["cat"], augmentation)
    seen = set()
    for seed in range(12):
        torch.manual_seed(seed)
        seen.add(tuple(photos[0].boxes[0].round().int().tolist()))
    assert seen == {(0, 0, 200, 100), (472, 316, 672, 416)}
