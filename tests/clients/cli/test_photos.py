from pathlib import Path

import pytest

from genod_client.cli.photos import find_photos


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.jpg", "sub/c.webp", "[1].jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


def test_a_folder_stands_for_the_images_directly_in_it(folder):
    assert find_photos(["."]) == ["[1].jpg", "a.png", "b.JPG"]


def test_a_pattern_stands_for_what_it_matches(folder):
    assert find_photos(["**/*.webp", "*.png"]) == ["sub/c.webp", "a.png"]


def test_a_file_is_taken_whatever_its_name(folder):
    assert find_photos(["notes.txt", "[1].jpg"]) == ["notes.txt", "[1].jpg"]


def test_a_photo_is_taken_once(folder):
    assert find_photos(["a.png", ".", "a.png"]) == ["a.png", "[1].jpg", "b.JPG"]


@pytest.mark.parametrize("argument", ["none.jpg", "*.bmp", "empty"])
def test_what_stands_for_nothing_is_kept_so_that_reading_it_says_why(folder, argument):
    Path("empty").mkdir()
    assert find_photos([argument, "a.png"]) == [argument, "a.png"]
