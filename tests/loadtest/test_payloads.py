import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from loadtest.errors import PayloadError, UsageError
from loadtest.payloads import (
    STAMP_BYTES,
    Mix,
    describe,
    draw_photos,
    generate_photos,
    photos_of_folder,
)

SMALL = Mix(count=20, small_side_px=40, medium_side_px=80, large_side_px=160)


def opened(photo):
    return Image.open(io.BytesIO(photo.content))


def test_the_mix_has_the_shares_that_were_asked_for():
    images = [opened(photo) for photo in generate_photos(SMALL, seed=1)]
    assert Counter(image.format for image in images) == {"JPEG": 16, "PNG": 2, "WEBP": 2}
    assert Counter(max(image.size) for image in images) == {40: 6, 80: 10, 160: 4}
    orientation = Counter(np.sign(image.width - image.height) for image in images)
    assert orientation == {1: 10, -1: 7, 0: 3}


def test_equal_seeds_give_equal_photos_and_others_others():
    first, again, other = (generate_photos(SMALL, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_photo_can_be_decoded_with_a_stamp_behind_it():
    for photo in generate_photos(SMALL, seed=1):
        pixels = np.asarray(opened(photo).convert("RGB"))
        with Image.open(io.BytesIO(photo.content + bytes(range(STAMP_BYTES)))) as stamped:
            np.testing.assert_array_equal(np.asarray(stamped.convert("RGB")), pixels)


@pytest.mark.parametrize("shares", [{"jpeg": 0.5}, {"landscape": 1.5, "portrait": -0.65}, {"count": 0}])
def test_shares_that_do_not_add_up_are_refused(shares):
    with pytest.raises(PayloadError):
        Mix(**shares)


def test_a_folder_is_read_in_the_order_of_names_without_what_is_no_photo(tmp_path):
    for name, photo in zip(("b.JPG", "a.jpeg"), generate_photos(SMALL, seed=1), strict=False):
        (tmp_path / name).write_bytes(photo.content)
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "folder.png").mkdir()
    assert [photo.name for photo in photos_of_folder(tmp_path)] == ["a.jpeg", "b.JPG"]


def test_a_missing_or_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(PayloadError, match=r"no folder of photos at .*nowhere.*Leave --photos out"):
        photos_of_folder(tmp_path / "nowhere")
    with pytest.raises(PayloadError, match=r"has no photos: no file ends in \.jpg"):
        photos_of_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"no image", "not a readable image"), (b"\xff\xd8\xff\xe0", "not a readable")],
)
def test_a_file_that_is_no_image_is_named(tmp_path, content, reason):
    (tmp_path / "broken.jpg").write_bytes(content)
    with pytest.raises(PayloadError, match=rf"broken\.jpg: .*{reason}"):
        photos_of_folder(tmp_path)


def test_without_duplicates_no_two_requests_send_the_same_bytes():
    draw = draw_photos(photo_count=3, request_count=5000, duplicate_rate=0, seed=1)
    assert len(set(draw.stamps.tolist())) == 5000
    assert set(draw.photos.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_duplicate_rate_is_the_share_of_requests_whose_bytes_came_before(rate):
    draw = draw_photos(photo_count=3, request_count=20_000, duplicate_rate=rate, seed=1)
    seen, repeated = set(), 0
    for key in zip(draw.photos.tolist(), draw.stamps.tolist(), strict=True):
        repeated += key in seen
        seen.add(key)
    assert repeated / 20_000 == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / 20_000))


def test_equal_stamps_always_go_with_the_same_photo():
    draw = draw_photos(photo_count=7, request_count=5000, duplicate_rate=0.6, seed=1)
    photo_of: dict[int, int] = {}
    for photo, stamp in zip(draw.photos.tolist(), draw.stamps.tolist(), strict=True):
        assert photo_of.setdefault(stamp, photo) == photo


def test_only_duplicates_means_one_photo_again_and_again():
    draw = draw_photos(photo_count=7, request_count=100, duplicate_rate=1, seed=1)
    assert len(set(draw.stamps.tolist())) == 1


def test_draws_repeat_with_their_seed():
    first, again = (draw_photos(photo_count=7, request_count=100, duplicate_rate=0.3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.photos, again.photos)
    np.testing.assert_array_equal(first.stamps, again.stamps)


def test_a_duplicate_rate_beyond_1_is_refused():
    with pytest.raises(UsageError, match="between 0 and 1"):
        draw_photos(photo_count=1, request_count=1, duplicate_rate=1.5, seed=0)


def test_the_description_counts_what_is_sent():
    photos = generate_photos(SMALL, seed=1)
    said = describe(photos, source="generated", duplicate_rate=0.25)
    assert said["count"] == 20
    assert said["formats"] == {"jpeg": 16, "png": 2, "webp": 2}
    assert said["orientations"] == {"landscape": 10, "portrait": 7, "square": 3}
    assert said["mean_bytes"] == round(sum(len(photo.content) for photo in photos) / 20)
