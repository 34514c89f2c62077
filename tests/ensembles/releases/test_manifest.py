import json

import pytest

from ensembles.errors import ManifestMalformed
from ensembles.releases.manifest_reader import parse_manifest
from tests.ensembles.releases.toy_checkout import ToyCheckout


def test_text_and_manifest_are_the_same(checkout: ToyCheckout) -> None:
    manifest = checkout.new(notes="Grüße")
    text = (checkout.releases / "1.json").read_text()
    assert text == manifest.to_json()
    assert parse_manifest(text, "here") == manifest
    assert manifest.notes == "Grüße"


def test_each_file_is_one_line_of_the_text(checkout: ToyCheckout) -> None:
    manifest = checkout.new()
    lines = (checkout.releases / "1.json").read_text().splitlines()
    for file in manifest.files():
        assert sum(file.path in line and file.sha256 in line and str(file.size_bytes) in line for line in lines) == 1


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (["schema"], 2, "schema: expected 1"),
        (["number"], 0, "number: expected a whole number from 1; received 0"),
        (["number"], 3, "ensembles.toy.version: expected the release's number 3; received 1"),
        (["extra"], 1, "unknown key 'extra'"),
        (["models"], [], "models: expected an object"),
        (["models", "head_a", "versions"], [], "at least one version"),
        (["models", "head_a", "versions"], [2], "received head_a/1/model.onnx"),
        (["models", "head_a", "class_ids"], {"x": [1]}, "versions as keys"),
        (["models", "head_a", "files", 0, "sha256"], "abc", "a sha256 of 64 hex digits"),
        (["models", "head_a", "files", 0, "size_bytes"], -1, "a number of bytes"),
        (["models", "head_a", "files", 0, "path"], "head_a/1/../../../etc/passwd", "received head_a/1/../"),
        (["models", "head_a", "files", 0, "path"], "/etc/passwd", "received /etc/passwd"),
        (["models", "head_a", "files", 0, "path"], "head_b/1/model.onnx", "received head_b/1/model.onnx"),
        (["models", "head_a", "files", 0, "path"], "head_a/config.pbtxt", "every path once"),
        (["models", "../head"], {"versions": [1], "files": []}, "received ../head"),
        (["ensembles", "toy", "composing", "head_a"], 2, "versions that the release holds"),
        (["ensembles", "toy", "composing", "head_z"], 1, "head_z has ()"),
        (["ensembles", "toy", "taxonomy_sha256"], "0" * 64, "the sha256 of label_propagation/1/taxonomy.json"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(checkout: ToyCheckout, place: list, value: object, said: str):
    checkout.new()
    entries = json.loads((checkout.releases / "1.json").read_text())
    parent = entries
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with pytest.raises(ManifestMalformed, match="somewhere") as refused:
        parse_manifest(json.dumps(entries), "somewhere")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(ManifestMalformed, match="somewhere is not JSON"):
        parse_manifest("<html>", "somewhere")
