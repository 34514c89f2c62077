import json
from pathlib import Path

import pytest

from tests.training.embedder.evaluation.painted_crops import BLUE, GREEN, RED, painted
from training.embedder.evaluation.errors import EvaluationError
from training.embedder.evaluation.set_protocols import protocols_of


def logos(folder: Path) -> Path:
    for name, colour in (("a", RED), ("b", GREEN), ("c", BLUE)):
        for number in range(4):
            painted(folder, f"logos/{name}/{number}.png", colour)
    return folder / "logos"


def names(set_name: str, **options) -> list[str]:
    return [protocol.name for protocol in protocols_of(set_name, **options).protocols]


def test_folders_named_by_labels_are_judged_by_their_split_or_by_canonical_images(tmp_path) -> None:
    folder = logos(tmp_path)
    assert names(f"{folder}/") == ["logos, label"]
    assert names(f"{folder}:canonical") == [
        "logos, two canonical",
        "logos, first two",
        "logos, one canonical",
        "logos, disturbed",
    ]


def test_held_out_products_are_judged_as_well(tmp_path) -> None:
    assert names(str(logos(tmp_path)), held_out={"logos": ("a", "b"), "other": ("z",)}) == [
        "logos, label",
        "logos, unseen",
        "logos, unseen among all",
    ]


def test_a_broken_image_is_left_out_and_told(tmp_path) -> None:
    folder = logos(tmp_path)
    (folder / "a" / "0.png").write_bytes(b"no picture")
    judged = protocols_of(f"{folder}:canonical")
    assert len(judged.problems) == 1
    assert len(judged.protocols[0].crops) == 11


def test_pairs_are_a_query_and_its_photo_among_others(tmp_path) -> None:
    for name in ("queries/1.png", "gallery/1.png", "gallery/2.png", "gallery/3.png"):
        painted(tmp_path, name, RED)
    pairs = [{"query": "queries/1.png", "target": "gallery/2.png"}]
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": pairs}))

    (protocol,) = protocols_of(str(tmp_path)).protocols

    assert protocol.is_right(protocol.cases[0]).tolist() == [[False, True, False]]
    (tmp_path / "pairs.json").write_text("{}")
    with pytest.raises(EvaluationError, match=r"pairs\.json must be"):
        protocols_of(str(tmp_path))


def test_the_committed_sets_are_judged_as_their_manifest_says(genod_data) -> None:
    by_name = {
        protocol.name: protocol
        for name in ("grocery_store", "clothing_small", "brand_logos", "coco_cbir_pairs")
        for protocol in protocols_of(name).protocols
    }

    sizes = {name: (len(p.cases[0].queries), len(p.cases[0].gallery)) for name, p in by_name.items()}
    assert sizes == {
        "grocery_store, fine": (162, 486),
        "grocery_store, coarse": (162, 486),
        "grocery_store, natural to iconic": (162, 81),
        "clothing_small, type": (80, 220),
        "brand_logos, two canonical": (48, 12),
        "brand_logos, first two": (48, 12),
        "brand_logos, one canonical": (54, 6),
        "brand_logos, disturbed": (48, 12),
        "coco_cbir_pairs, target": (37, 111),
    }
    for protocol in by_name.values():
        assert protocol.is_right(protocol.cases[0]).any(axis=1).all()
