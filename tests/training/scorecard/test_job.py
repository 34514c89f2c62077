from pathlib import Path

from training.scorecard.job import code_sha256


def package(folder: Path) -> Path:
    for name in ("engine/trainer.py", "taxonomy/mappings/coco.yaml", "scorecard/report/plots.py", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("one")
    return folder


def changed(folder: Path, name: str) -> bool:
    before = code_sha256(folder)
    (folder / name).write_text("two")
    return code_sha256(folder) != before


def test_results_are_those_of_the_code_and_of_the_taxonomy(tmp_path) -> None:
    folder = package(tmp_path)
    assert changed(folder, "engine/trainer.py")
    assert changed(folder, "taxonomy/mappings/coco.yaml")


def test_how_a_report_looks_changes_no_result(tmp_path) -> None:
    folder = package(tmp_path)
    assert not changed(folder, "scorecard/report/plots.py")
    assert not changed(folder, "notes.txt")


def test_a_moved_file_is_another_code(tmp_path) -> None:
    folder = package(tmp_path)
    before = code_sha256(folder)
    (folder / "engine/trainer.py").rename(folder / "engine/loop.py")
    assert code_sha256(folder) != before
