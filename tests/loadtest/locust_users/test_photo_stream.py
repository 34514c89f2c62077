from collections import Counter

from loadtest.locust_users.photo_stream import PhotoStream
from loadtest.payloads import Photo

PHOTOS = [Photo(name=f"{number}.jpg", content=bytes([number]) * 50) for number in range(3)]


def drawn(count, **settings):
    stream = PhotoStream(PHOTOS, **{"duplicate_rate": 0.0, "seed": 1} | settings)
    return [stream.next_photo() for _ in range(count)]


def test_bytes_that_are_no_duplicate_are_new_to_the_server():
    assert len(set(drawn(500))) == 500


def test_the_image_itself_is_untouched():
    photos = {photo[:50] for photo in drawn(50)}
    assert photos == {photo.content for photo in PHOTOS}


def test_duplicates_repeat_earlier_bytes_as_often_as_asked_for():
    for rate in (0.3, 0.9):
        photos = drawn(3000, duplicate_rate=rate)
        repeated = 1 - len(set(photos)) / len(photos)
        assert abs(repeated - rate) < 0.05


def test_only_the_first_photo_is_fresh_where_all_others_are_duplicates():
    assert Counter(drawn(20, duplicate_rate=1.0)).most_common(1)[0][1] == 20


def test_two_processes_send_different_bytes():
    assert not set(drawn(50)) & set(drawn(50))
