import numpy as np
import pytest
from PIL import Image

from training.__main__ import main
from training.embedder.data.read_crop_set import read_crop_set
from training.embedder.logos.brand import draw_brand, fonts
from training.embedder.logos.logo_picture import PLATES, draw_picture
from training.embedder.logos.vector_file import rasterise

pytest.importorskip("resvg_py", reason="resvg-py draws the vector files")

RING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#c01020" d="{}"/></svg>'.format(
    "M12 2a10 10 0 100 20 10 10 0 000-20zm0 4a6 6 0 110 12 6 6 0 010-12z"
)
TWO_BARS = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<rect x="2" y="4" width="20" height="6" fill="#1030c0"/><rect x="2" y="14" width="12" height="6" fill="#20a040"/>'
    "</svg>"
)


@pytest.fixture
def svgs(tmp_path):
    folder = tmp_path / "svgs"
    folder.mkdir()
    (folder / "ring.svg").write_text(RING)
    (folder / "bars.svg").write_text(TWO_BARS)
    return folder


def command(svgs, to, *more):
    return main(["render-logos", "--svgs", str(svgs), "--to", str(to), *more])


def pictures(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


def test_every_brand_becomes_a_label_with_that_many_pictures(svgs, tmp_path):
    assert command(svgs, tmp_path / "set", "--per-brand", "3", "--words", "0", "--val-brands", "0") == 0

    crops = read_crop_set(str(tmp_path / "set"), "train")
    assert sorted(str(crop.product) for crop in crops) == ["bars"] * 3 + ["ring"] * 3
    assert all(min(crop.open().size) >= 100 for crop in crops)


def test_a_name_alone_is_another_product(svgs, tmp_path):
    command(svgs, tmp_path / "set", "--per-brand", "2", "--words", "1", "--val-brands", "0")
    assert {crop.product for crop in read_crop_set(str(tmp_path / "set"), "train")} == {
        "bars",
        "bars-word",
        "ring",
        "ring-word",
    }


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(svgs, tmp_path):
    for name, seed in (("first", "3"), ("again", "3"), ("other", "4")):
        command(svgs, tmp_path / name, "--per-brand", "2", "--seed", seed)
    assert pictures(tmp_path / "first") == pictures(tmp_path / "again")
    assert pictures(tmp_path / "first") != pictures(tmp_path / "other")


def test_one_more_file_changes_no_picture_of_the_others(svgs, tmp_path):
    command(svgs, tmp_path / "before", "--per-brand", "2")
    (svgs / "another.svg").write_text(RING)
    command(svgs, tmp_path / "after", "--per-brand", "2")
    assert pictures(tmp_path / "before").items() < pictures(tmp_path / "after").items()


def test_brands_left_out_are_not_drawn_under_any_longer_name(svgs, tmp_path):
    (svgs / "ringtone.svg").write_text(RING)
    command(svgs, tmp_path / "set", "--per-brand", "2", "--words", "0", "--leave-out", "RING", "apple")
    assert {path.split("/")[1] for path in pictures(tmp_path / "set")} == {"bars"}


def test_brands_kept_for_validation_are_not_in_train(svgs, tmp_path):
    for number in range(12):
        (svgs / f"brand{number}.svg").write_text(TWO_BARS)
    command(svgs, tmp_path / "set", "--per-brand", "2", "--val-brands", "0.5")
    train, val = ({path.name for path in (tmp_path / "set" / split).iterdir()} for split in ("train", "val"))
    assert train
    assert val
    assert not {name.removesuffix("-word") for name in train} & {name.removesuffix("-word") for name in val}


def test_a_file_that_cannot_be_drawn_is_named_and_the_others_are_drawn(svgs, tmp_path, capsys):
    (svgs / "broken.svg").write_text("<svg")
    (svgs / "empty.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>')
    assert command(svgs, tmp_path / "set", "--per-brand", "2") == 0
    said = capsys.readouterr().out.replace("\n", "")
    assert "broken.svg" in said
    assert "empty.svg draws nothing" in said
    assert "2 brands" in said


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--per-brand", "1"), "at least 2 pictures"),
        (("--words", "2"), "shares, 0 to 1"),
        (("--leave-out", "a", "i"), "no .svg file"),
    ],
)
def test_what_makes_no_sense_is_one_line(svgs, tmp_path, capsys, more, complaint):
    assert command(svgs, tmp_path / "set", *more) == 1
    assert complaint in capsys.readouterr().err


def test_nothing_is_written_into_a_folder_that_is_in_use(svgs, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert command(svgs, tmp_path) == 1
    assert "not empty" in capsys.readouterr().err


def test_a_vector_file_is_cropped_to_what_it_draws(svgs):
    mark = rasterise(svgs / "bars.svg", 100)
    assert mark.width == 100
    assert abs(mark.height - 80) <= 1
    assert np.asarray(mark)[..., 3].max() == 255


def test_a_mark_in_its_own_colours_keeps_them_apart_from_its_ground(svgs):
    rng = np.random.default_rng(0)
    brand = draw_brand("ring", rasterise(svgs / "ring.svg", 128), rng=rng, fonts=fonts(), plates=PLATES)
    assert brand.colours[0] == (192, 16, 32)
    differing = 0
    for _ in range(40):
        picture = np.asarray(draw_picture(brand, shows="mark", rng=rng).convert("L")).astype(float)
        differing += picture.std() > 8
    assert differing >= 36


def test_pictures_of_one_brand_differ_from_each_other(svgs):
    rng = np.random.default_rng(0)
    brand = draw_brand("bars", rasterise(svgs / "bars.svg", 128), rng=rng, fonts=fonts(), plates=PLATES)
    assert brand.has_own_colours
    small = [draw_picture(brand, shows="mark_and_word", rng=rng).resize((8, 8)) for _ in range(6)]
    assert all(isinstance(picture, Image.Image) for picture in small)
    assert len({picture.tobytes() for picture in small}) == 6
