"""`python -m training embed` on the committed models."""

import numpy as np
import pytest

from tests.painted_photos import painted_jpegs
from training.__main__ import main


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / f"{k}.jpg" for k in range(2)]
    for path, photo in zip(paths, painted_jpegs(), strict=False):
        path.write_bytes(photo)
    return paths


def test_the_objects_of_photos_are_written(photos, tmp_path, capsys):
    assert main(["embed", *map(str, photos), "--to", str(tmp_path / "out.npz")]) == 0
    assert "objects of 2 photos, 0 refused" in capsys.readouterr().out
    with np.load(tmp_path / "out.npz") as file:
        assert file["photos"].tolist() == [str(photo) for photo in photos]
        assert len(file["hashes"]) == len(file["photo_of_object"]) > 0
        assert file["hashes"].any(axis=1).all()
        assert set(file["photo_of_object"].tolist()) == {0, 1}


def test_a_photo_that_is_refused_ends_it_in_one_line_unless_such_are_skipped(photos, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(photos[0].read_bytes()[:2000])
    command = ["embed", str(tmp_path / "broken.jpg"), str(photos[0]), "--to", str(tmp_path / "out.npz")]
    assert main(command) == 1
    message = capsys.readouterr().err
    assert "broken.jpg: image refused (broken_image)" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out.npz").exists()

    assert main([*command, "--skip-refused"]) == 0
    with np.load(tmp_path / "out.npz") as file:
        assert file["photos"].tolist() == [str(photos[0])]


def test_a_repository_without_the_ensemble_is_named(tmp_path, photos, capsys):
    command = ["embed", str(photos[0]), "--to", str(tmp_path / "out.npz"), "--repository", str(tmp_path)]
    assert main(command) == 1
    assert "visual_search/config.pbtxt cannot be read" in capsys.readouterr().err
