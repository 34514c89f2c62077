"""`genod detect` as a user meets it: arguments in, stdout, stderr, files and an exit code out."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genod_client import __version__
from genod_client.cli.main import main
from tests.clients import servers
from tests.clients.answers import SCENE, expected_detections

PIXELS = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A working folder with one photo of the size that the toy reports, and one that the toy refuses."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PIXELS).save("desk.png")
    Path("broken.jpg").write_bytes(b"refuse broken_image")
    return tmp_path


@pytest.fixture
def url():
    with servers.grpc_server() as (url, _):
        yield url


def as_bits(number):
    return np.float32(number).tobytes().hex()


def test_a_table_shows_each_object_once_with_its_label_chain_score_and_box(photos, url, capsys):
    assert main(["detect", "desk.png", "--url", url]) == 0
    out, err = capsys.readouterr()
    assert "desk.png (640 × 480)" in out
    assert "ESP8266 < development board < electronics" in out
    assert "0.900" in out
    assert "10, 20 – 200, 150" in out
    assert "Raspberry Pi 3" in out
    assert sum("0.900" in line for line in out.splitlines()) == 1  # the copies are not rows
    assert "0.100" not in out  # below the default --min-score
    assert err == ""


def test_min_score_decides_what_is_shown(photos, url, capsys):
    assert main(["detect", "desk.png", "--url", url, "--min-score", "0"]) == 0
    assert "0.100" in capsys.readouterr().out
    assert main(["detect", "desk.png", "--url", url, "--min-score", "0.95"]) == 0
    assert "desk.png: no object scores 0.95 or more" in capsys.readouterr().out


def test_json_holds_every_row_to_the_bit(photos, url, capsys):
    assert main(["detect", "desk.png", "--url", url, "--json", "--min-score", "0"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert {key: value for key, value in report.items() if key != "photos"} == {
        "schema": "genod.detect/1",
        "client_version": __version__,
        "url": url,
        "min_score": 0.0,
    }
    (photo,) = report["photos"]
    assert list(photo) == ["photo", "model_version", "image_size", "detections", "picture", "error"]
    assert (photo["photo"], photo["model_version"], photo["picture"], photo["error"]) == (
        "desk.png",
        "1",
        None,
        None,
    )
    assert photo["image_size"] == {"width": 640, "height": 480}
    for row, (box, score, class_id, is_propagated) in zip(photo["detections"], SCENE, strict=True):
        assert list(row) == ["class_id", "name", "ancestors", "score", "box", "is_propagated"]
        assert (row["class_id"], row["is_propagated"]) == (class_id, is_propagated)
        assert as_bits(row["score"]) == as_bits(score)
        assert [as_bits(row["box"][edge]) for edge in ("x1", "y1", "x2", "y2")] == [as_bits(edge) for edge in box]
    assert photo["detections"][0]["ancestors"] == [
        {"class_id": 7, "name": "development board"},
        {"class_id": 3, "name": "electronics"},
    ]
    assert err == ""


@pytest.mark.triton
def test_json_of_both_protocols_differs_in_the_address_only(photos, toy_server, capsys):
    def report(url):
        assert main(["detect", "desk.png", "broken.jpg", "--url", url, "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert report.pop("url") == url
        return report

    assert report(f"http://{toy_server.http_url}") == report(f"grpc://{toy_server.grpc_url}")


@pytest.mark.triton
def test_one_bad_photo_does_not_keep_the_others_from_being_done(photos, toy_url, capsys):
    arguments = ["detect", "none.jpg", "broken.jpg", "desk.png", "--url", toy_url, "--json", "--out", "out"]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    none, broken, desk = json.loads(out)["photos"]
    assert none["error"]["type"] == "InvalidInputError"
    assert broken["error"] == {
        "type": "ImageRefusedError",
        "message": "image refused (broken_image): this is what the toy was told to say",
        "reason": "broken_image",
    }
    assert (broken["detections"], broken["image_size"], broken["model_version"]) == (None, None, None)
    assert desk["error"] is None
    assert desk["picture"] == "out/desk.jpg"
    assert "genod: none.jpg: Cannot read the photo 'none.jpg': No such file or directory." in err
    assert "genod: broken.jpg: image refused (broken_image)" in err


def test_annotated_pictures_are_written_beside_nothing_else(photos, url, capsys):
    Path("other").mkdir()
    Image.fromarray(PIXELS).save("other/desk.png")
    assert main(["detect", "desk.png", "other/desk.png", "--url", url, "--out", "out/deep"]) == 0
    assert sorted(path.name for path in Path("out/deep").iterdir()) == ["desk-2.jpg", "desk.jpg"]
    assert "drawn in out/deep/desk.jpg" in capsys.readouterr().out
    with Image.open("out/deep/desk.jpg") as picture:
        assert picture.size == (640, 480)


def test_a_photo_is_never_overwritten_by_its_picture(photos, url):
    Image.fromarray(PIXELS).save("desk.jpg")
    before = Path("desk.jpg").read_bytes()
    assert main(["detect", "desk.jpg", "--url", url, "--out", "."]) == 0
    assert Path("desk.jpg").read_bytes() == before
    assert Path("desk-2.jpg").is_file()


def test_a_photo_that_cannot_be_drawn_still_has_its_detections(photos, url, capsys):
    Path("odd.png").write_bytes(b"the toy takes anything")
    Image.fromarray(PIXELS[:100]).save("small.png")
    assert main(["detect", "odd.png", "small.png", "--url", url, "--json", "--out", "out"]) == 1
    out, err = capsys.readouterr()
    for photo in json.loads(out)["photos"]:
        assert len(photo["detections"]) == len(expected_detections().above(0.3))
        assert photo["picture"] is None
        assert photo["error"]["message"].startswith("Detected, but not drawn")
    assert "the server saw 640 × 480 pixels, Pillow 640 × 100" in err


def test_an_unreachable_server_fails_every_photo_with_its_address(photos, capsys):
    url = f"grpc://127.0.0.1:{servers.free_port()}"
    assert main(["detect", "desk.png", "--url", url]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("genod: desk.png: ")
    assert "Connection refused" in err
    assert url.removeprefix("grpc://") in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["detect"], "PHOTO"),
        (["detect", "a.jpg", "--min-score", "2"], "must be between 0 and 1, not 2"),
        (["detect", "a.jpg", "--min-score", "much"], "invalid number value: 'much'"),
        (["detect", "a.jpg", "--timeout", "0"], "must be a positive number of seconds, not 0"),
        (["detect", "a.jpg", "--url", "localhost:8001"], "an address looks like grpc://host:8001"),
        (["detect", "a.jpg", "--out", "/dev/null/out"], "Cannot make the folder --out /dev/null/out"),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_says_what_is_right(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_ctrl_c_ends_with_130_and_without_a_traceback(photos, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("genod_client.cli.detect.detect", interrupted)
    assert main(["detect", "desk.png"]) == 130
    assert capsys.readouterr().err == "genod: interrupted\n"


@pytest.mark.parametrize("program", [["genod"], [sys.executable, "-m", "genod_client"]], ids=["genod", "python -m"])
def test_the_installed_command_tells_its_version(program):
    if program == ["genod"]:
        program = [str(Path(sys.executable).with_name("genod"))]
    done = subprocess.run([*program, "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"genod {__version__}\n")
