from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageChops

from genod_client import Ancestor, Box, DetectedObject, Detection, Detections, ImageSize, InvalidInputError
from genod_client.cli.draw import colour_of, draw_objects, to_rgb, write_annotated

ANCESTORS = (Ancestor(7, "development board"), Ancestor(3, "electronics"))


def detected(box, class_id=20, score=0.9, ancestors=ANCESTORS):
    return DetectedObject(Detection(Box(*box), score, "ESP8266", class_id, ancestors, False), ())


def drawn(size, *objects):
    picture = Image.new("RGB", size, "grey")
    draw_objects(picture, objects)
    return picture


def rows_of_label(picture, class_id):
    """How many rows hold much more of the class's colour than the lines of a box: those of the label."""
    pixels = (np.asarray(picture) == colour_of(class_id)).all(axis=2)
    return int((pixels.sum(axis=1) > 30).sum())


def test_a_box_and_a_label_of_the_class_colour_are_drawn():
    picture = drawn((800, 600), detected((200, 200, 500, 400)))
    assert picture.getpixel((200, 300)) == colour_of(20)
    assert picture.getpixel((499, 300)) == colour_of(20)
    assert picture.getpixel((350, 300)) == (128, 128, 128)
    above = np.asarray(picture)[:200, 200:500]
    assert (above == colour_of(20)).all(axis=2).sum() > 1000


def test_the_font_grows_with_the_picture():
    small = drawn((800, 600), detected((200, 200, 500, 400)))
    large = drawn((3200, 2400), detected((800, 800, 2000, 1600)))
    assert 3 < rows_of_label(large, 20) / rows_of_label(small, 20) < 5


@pytest.mark.parametrize("size", [(1, 1), (20, 20), (60, 2000), (2000, 60)])
def test_pictures_of_any_shape_are_drawn(size):
    picture = drawn(size, detected((0, 0, *size)), detected((0.2, 0.2, size[0] - 0.3, size[1] - 0.3), class_id=3))
    assert picture.size == size


def test_a_label_too_long_for_the_picture_loses_its_most_general_names_first(monkeypatch):
    texts = []
    monkeypatch.setattr("PIL.ImageDraw.ImageDraw.text", lambda self, xy, text, **_: texts.append(text))
    drawn((250, 180), detected((10, 50, 100, 100)))
    drawn((1000, 180), detected((10, 50, 100, 100)))
    assert texts == ["ESP8266 < development board 0.90", "ESP8266 < development board < electronics 0.90"]


def test_colours_of_neighbouring_classes_differ_and_do_not_depend_on_the_picture():
    colours = [np.array(colour_of(class_id)) for class_id in range(1, 200)]
    assert all(np.abs(a - b).sum() > 60 for a, b in pairwise(colours))
    assert colour_of(20) == colour_of(20)


def test_a_photo_is_drawn_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "grey").save(tmp_path / "photo.jpg", exif=exif)
    answer = Detections(ImageSize(20, 40), (), "1")
    path = write_annotated(str(tmp_path / "photo.jpg"), answer, tmp_path / "out.jpg")
    with Image.open(path) as picture:
        assert picture.size == (20, 40)
        assert not picture.getexif()


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    Image.new("RGB", (40, 20)).save(tmp_path / "photo.png")
    with pytest.raises(InvalidInputError, match="Detected, but not drawn: cannot write"):
        write_annotated(str(tmp_path / "photo.png"), Detections(ImageSize(40, 20), (), "1"), tmp_path / "no" / "x.jpg")


def test_sixteen_bits_become_eight_and_transparency_becomes_white():
    deep = Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16))
    assert np.asarray(to_rgb(deep))[0, :, 0].tolist() == [0, 100, 255]
    clear = Image.new("RGBA", (2, 2), (10, 20, 30, 0))
    assert ImageChops.difference(to_rgb(clear), Image.new("RGB", (2, 2), "white")).getbbox() is None
    palette = Image.new("P", (1, 1))
    palette.putpalette([10, 20, 30])
    assert to_rgb(palette).getpixel((0, 0)) == (10, 20, 30)
