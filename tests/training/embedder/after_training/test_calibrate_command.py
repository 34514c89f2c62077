import pytest

from training.__main__ import main
from training.embedder.after_training.calibration import load_calibrations
from training.embedder.trained_run import TrainedRun


def test_the_command_calibrates_each_head_on_held_out_crops(tiny_run, capsys):
    assert main(["calibrate", str(tiny_run)]) == 0

    printed = capsys.readouterr().out
    assert "label: 12 crops, expected calibration error" in printed
    calibrations = load_calibrations(tiny_run, embedder_sha256=TrainedRun.open(tiny_run).embedder_sha256)
    assert list(calibrations) == ["label"]
    page = (tiny_run / "calibration.html").read_text()
    assert page.count("<svg") == 3
    assert "five-fold" in page


def test_held_out_crops_are_those_of_val_alone(tiny_run):
    trained = TrainedRun.open(tiny_run)

    held_out = trained.held_out_crops()

    assert {crop.split for crop in held_out} == {"val"}
    assert len(held_out) == 12
    assert {crop.path for crop in held_out}.isdisjoint(crop.path for crop in trained.training_crops())
    assert trained.labels_of(trained.heads[0], held_out)[0] == ("apple",)


def test_a_set_without_labels_of_the_head_is_one_line_and_exit_1(tiny_run, tmp_path, capsys):
    for product in ("x", "y"):
        (tmp_path / "others" / "val" / product).mkdir(parents=True)
        for photo in (tiny_run.parent / "goods" / "val" / "milk").iterdir():
            (tmp_path / "others" / "val" / product / photo.name).write_bytes(photo.read_bytes())

    assert main(["calibrate", str(tiny_run), "--sets", str(tmp_path / "others")]) == 1

    error = capsys.readouterr().err
    assert "no head could be calibrated" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["calibrate", "query-thresholds"])
def test_a_folder_without_a_run_is_one_line_and_exit_1(command, tmp_path, capsys):
    assert main([command, str(tmp_path / "none")]) == 1

    assert capsys.readouterr().err.startswith("error: ")
