"""`genod embed` as a user meets it: arguments in, stdout, stderr, files and an exit code out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genod_client import __version__
from genod_client.cli.embed_json import numbers_on_one_line
from genod_client.cli.main import main
from tests.clients import servers
from tests.clients.answers import expected_embeddings, expected_visual_search

PIXELS = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
BOXES = [(1, 2, 30, 40), (100, 50, 120, 60)]
BOX_ARGUMENTS = ["--box", "1,2,30,40", "--box", "100, 50, 120, 60"]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A working folder with two photos of the size that the toy reports, and one that the toy refuses."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PIXELS).save("desk.png")
    Image.fromarray(PIXELS[::-1]).save("shelf.png")
    Path("broken.jpg").write_bytes(b"refuse broken_image")
    return tmp_path


@pytest.fixture
def url():
    with servers.grpc_server() as (url, _):
        yield url


def test_a_table_shows_each_object_with_its_hash_and_what_is_nearest_to_it(photos, url, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["embed", "desk.png", "shelf.png", "--url", url]) == 0
    out, err = capsys.readouterr()
    first, second, _ = expected_visual_search()
    assert "desk.png (640 × 480), embedder toy-1" in out
    assert "ESP8266 < development board < electronics 0.90" in out
    assert first.hash.hex()[:16] in out
    assert second.hash.hex()[:16] in out
    assert "0  shelf.png 1" in out  # the toy embeds by box alone, so both photos have the same objects
    assert "0  desk.png 1" in out
    assert "0.10" not in out  # below the default --min-score
    assert err == ""


def test_boxes_are_embedded_instead_of_objects_and_have_attributes(photos, url, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["embed", "desk.png", *BOX_ARGUMENTS, "--url", url]) == 0
    out = capsys.readouterr().out
    one, other = expected_embeddings(*BOXES)
    assert one.hash.hex()[:16] in out
    assert "colour: blue 0.70" in out
    assert "kind: board 0.90" in out
    assert f"{one.hamming_distance(other)}  desk.png 2" in out
    assert "ESP8266" not in out


def test_json_of_objects_holds_everything_to_the_bit(photos, url, capsys):
    assert main(["embed", "desk.png", "--url", url, "--json", "--min-score", "0"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert {key: value for key, value in report.items() if key != "photos"} == {
        "schema": "genod.embed/1",
        "client_version": __version__,
        "url": url,
        "min_score": 0.0,
        "pictures": [],
    }
    (photo,) = report["photos"]
    assert list(photo) == ["photo", "model_version", "embedder_version", "image_size", "objects", "error"]
    assert (photo["model_version"], photo["embedder_version"], photo["error"]) == ("1", "toy-1", None)
    for row, found in zip(photo["objects"], expected_visual_search(), strict=True):
        assert np.array(row["embedding"], np.float32).tobytes() == found.embedding_data
        assert (row["hash"], row["name"], row["class_id"]) == (found.hash.hex(), found.name, found.class_id)
        assert (tuple(row["box"].values()), row["score"]) == (tuple(found.box), found.score)
        assert row["ancestors"] == [ancestor._asdict() for ancestor in found.ancestors]
        assert row["attributes"] is None
    assert err == ""
    assert len(out.splitlines()) < 150


def test_json_of_boxes_holds_attributes_and_no_class(photos, url, capsys):
    assert main(["embed", "desk.png", *BOX_ARGUMENTS, "--url", url, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["min_score"] is None
    for row, expected in zip(report["photos"][0]["objects"], expected_embeddings(*BOXES), strict=True):
        assert (tuple(row["box"].values()), row["hash"]) == (tuple(expected.box), expected.hash.hex())
        assert (row["class_id"], row["name"], row["ancestors"], row["score"]) == (None, None, None, None)
        assert list(row["attributes"]) == ["colour", "kind"]
        assert [label["name"] for label in row["attributes"]["colour"]] == ["blue", "red", "green"]
        assert np.float32(row["attributes"]["kind"][0]["score"]) == np.float32(0.9)


@pytest.mark.triton
@pytest.mark.parametrize("boxes", [[], BOX_ARGUMENTS], ids=["objects", "boxes"])
def test_json_of_both_protocols_differs_in_the_address_only(photos, toy_server, capsys, boxes):
    def report(url):
        assert main(["embed", "desk.png", "broken.jpg", *boxes, "--url", url, "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert report.pop("url") == url
        assert report["photos"][1]["error"]["reason"] == "broken_image"
        return report

    assert report(f"http://{toy_server.http_url}") == report(f"grpc://{toy_server.grpc_url}")


def test_pictures_of_what_looks_alike_are_written_beside_nothing_else(photos, url, capsys):
    assert main(["embed", "desk.png", "shelf.png", "--url", url, "--out", "out/deep"]) == 0
    assert sorted(path.name for path in Path("out/deep").iterdir()) == ["distances.png", "nearest.png"]
    out = capsys.readouterr().out
    assert "drawn in out/deep/nearest.png" in out
    assert "drawn in out/deep/distances.png" in out


def test_a_photo_is_never_overwritten_by_a_picture(photos, url, capsys):
    Image.fromarray(PIXELS).save("nearest.png")
    before = Path("nearest.png").read_bytes()
    assert main(["embed", "nearest.png", "--url", url, "--out", "."]) == 1
    assert Path("nearest.png").read_bytes() == before
    assert "nearest.png is one of the photos. Choose another --out" in capsys.readouterr().err


def test_a_photo_that_cannot_be_drawn_still_has_its_hashes(photos, url, capsys):
    Path("odd.png").write_bytes(b"the toy takes anything")
    assert main(["embed", "odd.png", "--url", url, "--json", "--out", "out"]) == 1
    out, err = capsys.readouterr()
    assert len(json.loads(out)["photos"][0]["objects"]) == 2
    assert "genod: Embedded, but not drawn: Pillow cannot open the photo" in err


def test_a_box_outside_a_photo_fails_that_photo_only(photos, url, capsys):
    Image.fromarray(PIXELS[:100]).save("small.png")
    assert main(["embed", "small.png", "desk.png", "--box", "1,2,30,400", "--url", url]) == 1
    out, err = capsys.readouterr()
    assert "desk.png (640 × 480)" in out
    assert "genod: small.png: boxes[0] = (1, 2, 30, 400) reaches outside the upright photo of 640 × 100" in err


def test_a_photo_without_objects_is_said_so(photos, url, capsys):
    assert main(["embed", "desk.png", "--url", url, "--min-score", "0.95", "--out", "out"]) == 0
    assert "desk.png: no object scores 0.95 or more" in capsys.readouterr().out
    assert list(Path("out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed"], "PHOTO"),
        (["embed", "a.jpg", "--box", "1,2,3"], "the box = ['1', '2', '3'] is no box"),
        (["embed", "a.jpg", "--box", "1,2,3,x"], "is no box: a box is four numbers"),
        (["embed", "a.jpg", "--box", "1,2,nan,4"], "is not finite"),
        (["embed", "a.jpg", "--box", "10,2,3,4"], "has no area: x1 < x2"),
        (["embed", "a.jpg", "--min-score", "2"], "must be between 0 and 1, not 2"),
        (["embed", "a.jpg", "--url", "localhost:8001"], "an address looks like grpc://host:8001"),
        (["embed", "a.jpg", "--out", "/dev/null/out"], "Cannot make the folder --out /dev/null/out"),
    ],
)
def test_a_wrong_command_line_exits_with_2_and_says_what_is_right(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_lists_of_numbers_take_one_line_whatever_text_is_around_them():
    document = {"a": [1.5, -2e-05, 3], "b": ["[1,", "2]"], "c": [[1], []], "d": "[\n 1,\n 2\n]", "e": [{"f": [0.1]}]}
    text = numbers_on_one_line(json.dumps(document, indent=2))
    assert json.loads(text) == document
    assert '"a": [1.5, -2e-05, 3]' in text
    assert '"f": [0.1]' in text
