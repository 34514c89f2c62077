import os
import stat
import sys
import uuid
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from serving import demo
from serving.demo_likeness import COIN_PHOTO, LIKENESS_PHOTOS


def a_photo(name="cat.png", score=0.93):
    found = {
        "class_id": 5,
        "name": "cat",
        "ancestors": [{"class_id": 4, "name": "carnivore"}, {"class_id": 2, "name": "animal"}],
        "score": score,
        "box": {"x1": 1.5, "y1": 2.0, "x2": 30.25, "y2": 40.0},
        "is_propagated": False,
    }
    copy = {**found, "class_id": 2, "name": "animal", "ancestors": [], "is_propagated": True}
    return {
        "photo": f"photos/{name}",
        "image_size": {"width": 64, "height": 48},
        "detections": [found, copy],
        "picture": f"out/{name}",
        "error": None,
    }


def test_every_sample_photo_is_an_image_inside_an_installed_package():
    photos = demo.sample_photos()
    assert len({photo.stem for photo in photos}) == len(demo.SAMPLE_PHOTOS)
    for photo in [*photos, *demo.sample_photos([*LIKENESS_PHOTOS, COIN_PHOTO])]:
        with Image.open(photo) as image:
            assert min(image.size) >= 100


def test_a_missing_package_of_photos_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr(demo, "SAMPLE_PHOTOS", ("no_such_package/cat.png",))
    with pytest.raises(demo.DemoError, match="make demo"):
        demo.sample_photos()


def test_a_photo_that_a_package_lacks_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setattr(demo, "SAMPLE_PHOTOS", ("skimage/data/unicorn.png",))
    with pytest.raises(demo.DemoError, match=r"skimage holds no data/unicorn\.png"):
        demo.sample_photos()


def test_reports_may_differ_in_the_pictures_written_only():
    over_http = {**a_photo(), "picture": None}
    demo.require_agreement([a_photo()], [over_http])


def test_one_bit_of_difference_between_the_protocols_is_an_error():
    with pytest.raises(demo.DemoError, match="disagree about detections"):
        demo.require_agreement([a_photo(score=0.93)], [a_photo(score=0.9300000000000002)])


def test_a_demo_that_shows_nothing_has_failed():
    demo.require_objects([{**a_photo(), "detections": []}, a_photo()])
    with pytest.raises(demo.DemoError, match="No object"):
        demo.require_objects([{**a_photo(), "detections": []}])


def test_objects_carry_their_ancestors_and_leave_copies_out():
    assert demo.objects_of(a_photo()) == ["cat < carnivore < animal 0.93"]


def test_a_crowded_photo_shows_its_best_objects_and_counts_the_rest():
    found = a_photo()["detections"][0]
    crowded = {**a_photo(), "detections": [found] * (demo.OBJECTS_SHOWN + 3)}
    assert len(demo.objects_of(crowded)) == demo.OBJECTS_SHOWN + 1
    assert demo.objects_of(crowded)[-1] == "... and 3 more"


def test_the_summary_has_a_row_for_every_photo():
    console = Console(width=100, record=True)
    console.print(demo.summary_table([a_photo("cat.png"), {**a_photo("wall.png"), "detections": []}]))
    text = console.export_text()
    assert "cat.png" in text
    assert "64 × 48" in text
    assert "nothing above the minimum score" in text


def test_the_contact_sheet_shows_every_picture_and_escapes_names(tmp_path):
    page = demo.write_contact_sheet([a_photo("a&b.png")], tmp_path)
    text = page.read_text(encoding="utf-8")
    assert 'src="a&amp;b.png"' in text
    assert "cat &lt; carnivore" in text


@pytest.fixture
def fake_genod(tmp_path, monkeypatch):
    """Put a script in the place of the `genod` command, and return the function that writes it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def write(script: str) -> None:
        genod = tmp_path / "genod"
        genod.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        genod.chmod(genod.stat().st_mode | stat.S_IXUSR)

    return write


def test_what_the_command_says_when_it_fails_is_what_the_demo_says(fake_genod):
    fake_genod('echo "genod: cat.png: no server" >&2; exit 1')
    with pytest.raises(demo.DemoError, match=r"detect --url grpc://x:1` failed:\ngenod: cat.png: no server"):
        demo.run_genod([Path("cat.png")], "grpc://x:1")
    with pytest.raises(demo.DemoError, match=r"embed --url grpc://x:1` failed"):
        demo.run_genod([Path("cat.png")], "grpc://x:1", command="embed")


def test_boxes_reach_the_command(fake_genod, tmp_path):
    fake_genod(f'echo "$@" > {tmp_path}/arguments; echo \'{{"photos": []}}\'')
    assert demo.run_genod([Path("a.png")], "grpc://x:1", Path("out"), command="embed", boxes=["1,2,3,4"]) == []
    arguments = (tmp_path / "arguments").read_text(encoding="utf-8").split()
    assert arguments[:5] == ["embed", "a.png", "--url", "grpc://x:1", "--json"]
    assert arguments[-4:] == ["--box", "1,2,3,4", "--out", "out"]


def test_a_command_that_hangs_is_given_up(fake_genod, monkeypatch):
    monkeypatch.setattr(demo, "GENOD_TIMEOUT_S", 0.1)
    fake_genod("exec sleep 60")
    with pytest.raises(demo.DemoError, match="did not end within"):
        demo.run_genod([Path("cat.png")], "grpc://x:1")


@pytest.mark.usefixtures("fake_genod")
def test_a_command_that_is_not_installed_is_an_error_that_says_what_to_do():
    with pytest.raises(demo.DemoError, match="make demo"):
        demo.run_genod([Path("cat.png")], "grpc://x:1")


@pytest.mark.triton
def test_the_whole_demo_ends_well_and_leaves_pictures_and_no_process(tmp_path, capfd, monkeypatch):
    mark = uuid.uuid4().hex
    monkeypatch.setenv("GENOD_TEST_MARK", mark)
    assert demo.main(["--out", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert "agree to the bit" in out
    assert "motorcycle_right" in out
    assert "coins 3" in out
    pictures = {file.stem for file in tmp_path.glob("*.jpg")}
    assert pictures == {Path(name).stem for name in demo.SAMPLE_PHOTOS}
    for folder in demo.LIKENESS_PICTURES:
        assert {file.name for file in (tmp_path / folder).iterdir()} == {"nearest.png", "distances.png"}
    assert processes_with(mark) == []


def processes_with(mark: str) -> list[str]:
    """Command lines of all running processes that were started with `mark` in their environment, orphans too."""
    running = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                running.append(os.fsdecode((folder / "cmdline").read_bytes()))
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return running
