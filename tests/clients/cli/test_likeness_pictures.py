import dataclasses

import numpy as np
import pytest
from PIL import Image

from genod_client import Box, Detections, EmbeddedBox, ImageSize, InvalidInputError, VisualHash, VisualSearch
from genod_client.cli import likeness_pictures
from genod_client.cli.crops import CROP_PX, Crop, cut_crops, label_of
from genod_client.cli.distance_colours import colour_of_distance, ink_on
from genod_client.cli.distance_matrix import LARGEST_MATRIX, draw_distance_matrix, order_by_likeness
from genod_client.cli.likeness_pictures import CROPS_PER_SHEET, write_likeness_pictures
from genod_client.cli.nearest_sheet import draw_nearest_sheet, nearest_of
from tests.clients.answers import expected_embeddings, expected_visual_search


def crop(name, set_bits, *, version="v1", colour="grey"):
    """A crop whose hash has the first bits set: distances are differences."""
    bits = np.zeros(256, np.uint8)
    bits[:set_bits] = 1
    hash_ = VisualHash(np.packbits(bits).tobytes(), version)
    row = EmbeddedBox(box=Box(0, 0, 1, 1), hash=hash_, embedding_data=b"", attributes=())
    return Crop(name, "a label", row, Image.new("RGB", (CROP_PX, CROP_PX // 2), colour))


def test_crops_are_cut_from_the_upright_photo(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: the stored left edge is the upright top
    stored = Image.new("RGB", (40, 20), "white")
    stored.paste("red", (0, 0, 20, 20))
    stored.save(tmp_path / "photo.png", exif=exif)
    row = dataclasses.replace(expected_visual_search()[0], box=Box(0, 0, 20, 20))
    answer = VisualSearch(Detections(ImageSize(20, 40), (), "1"), (row,), "toy-1")
    (cut,) = cut_crops([(str(tmp_path / "photo.png"), answer)])
    assert (cut.name, cut.label, cut.picture.size) == ("photo.png 1", "ESP8266 0.90", (CROP_PX, CROP_PX))
    assert cut.picture.getpixel((CROP_PX // 2, CROP_PX // 2)) == (255, 0, 0)


@pytest.mark.parametrize("box", [(0, 0, 0.2, 0.2), (39.9, 19.9, 40, 20), (0, 0, 40, 0.5), (0, 0, 0.5, 20)])
def test_the_smallest_box_is_a_crop_of_at_least_a_pixel(tmp_path, box):
    Image.new("RGB", (40, 20)).save(tmp_path / "photo.png")
    row = dataclasses.replace(expected_visual_search()[0], box=Box(*box))
    answer = VisualSearch(Detections(ImageSize(40, 20), (), "1"), (row,), "toy-1")
    (cut,) = cut_crops([(str(tmp_path / "photo.png"), answer)])
    assert max(cut.picture.size) == CROP_PX
    assert min(cut.picture.size) >= 1


def test_a_label_is_the_class_or_the_best_attribute():
    assert label_of(expected_visual_search()[0]) == "ESP8266 0.90"
    (row,) = expected_embeddings((1, 2, 3, 4))
    assert label_of(row) == "board 0.90"
    assert label_of(dataclasses.replace(row, attributes=())) == ""


def test_the_nearest_come_first_and_the_crop_itself_not_at_all():
    a, b, c, d = (crop(name, bits) for name, bits in (("a", 0), ("b", 90), ("c", 10), ("d", 10)))
    assert [(distance, other.name) for distance, other in nearest_of(a, [a, b, c, d])] == [
        (10, "c"),
        (10, "d"),
        (90, "b"),
    ]


def test_the_matrix_puts_what_is_alike_side_by_side():
    crops = [crop("cat 1", 0), crop("cup 1", 200), crop("cat 2", 12), crop("cup 2", 210)]
    assert [found.name for found in order_by_likeness(crops)] == ["cat 1", "cat 2", "cup 1", "cup 2"]


def test_the_nearer_the_darker_and_the_text_is_readable_on_it():
    darkness = [sum(colour_of_distance(bits)) for bits in range(257)]
    assert darkness == sorted(darkness)
    assert colour_of_distance(128) == colour_of_distance(256) == (255, 255, 255)
    for bits in range(257):
        assert abs(sum(ink_on(bits)) - sum(colour_of_distance(bits))) > 250


@pytest.mark.parametrize("count", [1, 2, 7])
def test_pictures_hold_every_crop(count):
    colours = [(200, 20 * number, 20) for number in range(count)]
    crops = [crop(str(number), number, colour=colour) for number, colour in enumerate(colours)]
    for picture in (draw_nearest_sheet(crops, crops), draw_distance_matrix(crops)):
        seen = {colour for _, colour in picture.getcolors(picture.width * picture.height) or ()}
        assert set(colours) <= seen


def test_many_crops_take_several_sheets_and_no_matrix(tmp_path, monkeypatch):
    assert CROPS_PER_SHEET >= LARGEST_MATRIX
    monkeypatch.setattr(likeness_pictures, "CROPS_PER_SHEET", 3)
    monkeypatch.setattr(likeness_pictures, "LARGEST_MATRIX", 3)
    crops = [crop(str(number), number) for number in range(4)]
    written = write_likeness_pictures(crops, tmp_path, keep=[])
    assert [path.name for path in written] == ["nearest.png", "nearest-2.png"]


def test_crops_of_two_embedders_are_not_drawn_together(tmp_path):
    with pytest.raises(InvalidInputError, match=r"not drawn: the release changed .*'v1' .* 'v2'"):
        write_likeness_pictures([crop("a", 0), crop("b", 0, version="v2")], tmp_path, keep=[])


def test_a_picture_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(InvalidInputError, match="Embedded, but not drawn: cannot write"):
        write_likeness_pictures([crop("a", 0)], tmp_path / "missing", keep=[])
