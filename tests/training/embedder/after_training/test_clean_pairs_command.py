import csv

import numpy as np
import pytest

from tests.training.embedder.after_training.test_clean_pairs import QUERIES, planted
from tests.training.embedder.tiny_run import PRODUCTS
from training.__main__ import main


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def planted_files(tmp_path):
    hashes, pairs, is_wrong = planted()
    lines = [
        f"{image}.jpg,{QUERIES[query]},{0 if wrong else 4},shop {image}"
        for (image, query), wrong in zip(pairs.tolist(), is_wrong, strict=True)
    ]
    (tmp_path / "pairs.csv").write_text(
        "\n".join(["image,query,relevance,shop", *lines, "absent.jpg,lamp,,", lines[0]])
    )
    np.savez(tmp_path / "hashes.npz", images=np.array([f"{k}.jpg" for k in range(len(hashes))]), hashes=hashes)
    return tmp_path, pairs, is_wrong


def test_planted_wrong_pairs_are_in_removed_csv_with_scores_and_reason(planted_files, capsys):
    folder, pairs, is_wrong = planted_files

    status = main(
        ["clean-pairs", str(folder / "pairs.csv"), "--hashes", str(folder / "hashes.npz"), "--to", str(folder / "out")]
    )

    printed = capsys.readouterr().out
    print(printed)
    assert status == 0
    kept, removed = rows_of(folder / "out" / "kept.csv"), rows_of(folder / "out" / "removed.csv")
    assert len(kept) + len(removed) == len(pairs) + 1
    wrong = {f"{image}.jpg" for image, _ in pairs[is_wrong].tolist()}
    found = {row["image"] for row in removed} - {"absent.jpg"}
    assert len(found & wrong) / len(found) > 0.8
    assert len(found & wrong) / len(wrong) > 0.8
    assert "precision of removal 0." in printed or "precision of removal 1." in printed
    assert "repeated 1" in printed
    assert {row["reason"] for row in removed} <= {"siamese", "svm", "siamese and svm", "the image cannot be read"}
    assert [row["reason"] for row in removed if row["image"] == "absent.jpg"] == ["the image cannot be read"]
    assert list(kept[0]) == ["image", "query", "relevance", "shop", "siamese_score", "svm_score"]
    assert "What people say" in (folder / "out" / "cleaning.html").read_text()


def test_a_run_hashes_the_images_and_the_report_shows_them(tiny_run, tmp_path, capsys):
    goods = tiny_run.parent / "goods"
    lines = [f"train/{p}/{k}.png,{p if k else PRODUCTS[i - 1]}" for i, p in enumerate(PRODUCTS) for k in range(6)]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,query", *lines]))

    command = ["clean-pairs", str(tmp_path / "pairs.csv"), "--run", str(tiny_run), "--images", str(goods)]
    assert main([*command, "--to", str(tmp_path / "out"), "--svm-photos", "4", "--min-siamese", "0.6"]) == 0

    assert "photos 24" in capsys.readouterr().out
    assert "data:image/jpeg" in (tmp_path / "out" / "cleaning.html").read_text()
    assert all(row["svm_score"] for row in rows_of(tmp_path / "out" / "kept.csv"))


def test_hashes_of_other_images_or_no_hashes_are_one_line(planted_files, capsys):
    folder, _, _ = planted_files
    np.savez(folder / "other.npz", images=np.array(["x.jpg"]), hashes=np.zeros((1, 32), np.uint8))
    np.savez(folder / "floats.npz", images=np.array(["0.jpg"]), hashes=np.zeros((1, 32)))
    (folder / "no.npz").write_bytes(b"nothing")
    for name, message in (
        ("other.npz", "holds none of the images"),
        ("floats.npz", "UINT8"),
        ("no.npz", "must be an .npz"),
        ("absent.npz", "absent.npz"),
    ):
        command = ["clean-pairs", str(folder / "pairs.csv"), "--hashes", str(folder / name)]
        assert main([*command, "--to", str(folder / "out")]) == 1
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_images_that_are_not_there_are_one_line(tiny_run, tmp_path, capsys):
    (tmp_path / "pairs.csv").write_text("image,query\na.jpg,red\n")

    assert main(["clean-pairs", str(tmp_path / "pairs.csv"), "--run", str(tiny_run), "--to", str(tmp_path / "o")]) == 1

    assert "none of the 1 images can be read" in capsys.readouterr().err
