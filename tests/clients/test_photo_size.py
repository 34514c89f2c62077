import io

import numpy as np
import pytest
from PIL import Image

from genod_client.photo_size import upright_size


def encoded(format_, orientation=None, size=(40, 20)):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", size, "grey").save(file, format_, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [None, 1, 2, 3, 4, 5, 6, 7, 8])
def test_the_size_is_that_of_the_upright_photo(format_, orientation):
    photo = encoded(format_, orientation)
    assert upright_size(photo) == ((20, 40) if orientation in (5, 6, 7, 8) else (40, 20))


def test_what_pillow_cannot_read_has_no_size():
    assert upright_size(b"refuse broken_image") is None
    assert upright_size(b"") is None
    assert upright_size(encoded("PNG")[:60]) is None
    assert upright_size(encoded("BMP")) is None  # the server refuses it, too


def test_the_size_is_what_the_servers_own_code_finds(genod_data, repo_root, monkeypatch):
    monkeypatch.syspath_prepend(str(repo_root / "model_repository" / "preprocess" / "1"))
    from decode import read_header  # type: ignore[import-not-found]
    from image_limits import ImageLimits  # type: ignore[import-not-found]

    photos = sorted((genod_data / "photos").glob("*"))
    compared = 0
    for photo in photos:
        content = photo.read_bytes()
        try:
            theirs = read_header(content, ImageLimits()).decode().original_size
        except Exception:
            continue
        assert upright_size(content) == theirs, photo.name
        compared += 1
    assert compared >= 10


def test_many_pixels_are_not_decoded_to_tell_the_size_of_a_jpeg(monkeypatch):
    photo = encoded("JPEG", 6)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert upright_size(photo) == (20, 40)
    assert np.prod(upright_size(photo) or ()) == 800
