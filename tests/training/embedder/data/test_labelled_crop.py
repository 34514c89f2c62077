"""A crop's pixels: upright, cut where the box was drawn, on white where nothing is."""

import numpy as np
import pytest
from PIL import Image

from training.data.labelled_photo import EXIF_ORIENTATION
from training.embedder.data import LabelledCrop, crop_pixels


def crop_of(path, **fields):
    values = {"box_xyxy_px": None, "product": None, "data_set": "set", "split": "train"}
    return LabelledCrop(path=path, **(values | fields))


@pytest.fixture
def turned(tmp_path):
    """60x40 as stored, red at the left; to be shown turned to the right by 90 degrees, so that red is at the top."""
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 20, 40))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    return tmp_path / "turned.png"


def test_a_whole_image_is_upright(turned):
    image = crop_of(turned).open()
    assert image.size == (40, 60)
    assert image.getpixel((20, 5)) == (255, 0, 0)


def test_a_box_is_cut_as_it_was_drawn(turned):
    box = (0.0, 0.0, 20.0, 10.0)
    as_stored = crop_of(turned, box_xyxy_px=box, photo_size_px=(60, 40)).open()
    assert as_stored.size == (20, 10)
    assert as_stored.getcolors() == [(200, (255, 0, 0))]
    upright = crop_of(turned, box_xyxy_px=(0.0, 20.0, 40.0, 60.0), photo_size_px=(40, 60)).open()
    assert upright.getcolors() == [(1600, (0, 0, 255))]


def test_a_box_of_less_than_a_pixel_is_the_pixel_it_lies_in(turned):
    assert crop_of(turned, box_xyxy_px=(5.1, 5.1, 5.3, 5.2), photo_size_px=(60, 40)).open().size == (1, 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    path = tmp_path / "logo.png"
    image.convert(mode).save(path)
    opened = crop_of(path).open()
    assert opened.mode == "RGB"
    assert opened.getpixel((6, 4)) == (255, 255, 255)
    assert opened.getpixel((1, 4)) == (0, 0, 0)


def test_pixels_for_the_trunk_are_the_whole_crop_stretched():
    image = Image.new("RGB", (90, 30))
    image.paste((200, 100, 50), (0, 0, 45, 30))
    pixels = crop_pixels(image, 32)
    assert pixels.shape == (3, 32, 32)
    assert str(pixels.dtype) == "torch.float32"
    np.testing.assert_allclose(pixels[:, :, :14].amin(dim=(1, 2)), [200, 100, 50], atol=1)
    np.testing.assert_allclose(pixels[:, :, 18:].amax(dim=(1, 2)), [0, 0, 0], atol=1)
