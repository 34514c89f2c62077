"""What a run tells people: a line an epoch with waiting and memory, TensorBoard's files, pictures."""

import json
from dataclasses import replace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from tests.training.engine.squares import paint_squares
from tests.training.engine.tiny_run import RECIPE, tiny_detector, tiny_photos, tiny_trainer
from training.data.coco_photos import CocoPhotos
from training.engine.epoch_log import EpochLog, EpochSummary
from training.engine.sample_pictures import picture, sample_pictures
from training.evaluation.coco_metrics import CocoMetrics

METRICS = CocoMetrics(0.25, 0.5, 0.125, {"square": 0.5}, {"square": 0.25})


def summary(epoch, **fields):
    values = {
        "epoch": epoch,
        "losses": {"box": 0.5},
        "metrics": {},
        "train_s": 20.0,
        "waited_s": 1.0,
        "memory_bytes": 300 * 2**20,
        "loader_memory_bytes": 0,
    }
    return EpochSummary(**(values | fields))


def test_the_line_tells_losses_metrics_waiting_and_memory():
    metrics = {"cats": {"AP": 0.1, "AP50": 0.2}, "cards": {"AP": 0.5, "AP50": 0.8}}
    line = summary(1, metrics=metrics, loader_memory_bytes=100 * 2**20).line(epochs=3)
    assert line == (
        "epoch 2/3 | box 0.5000 | cats AP 0.1000 AP50 0.2000 | cards AP 0.5000 AP50 0.8000 | mean AP50 0.5000"
        " | waited for data 5.0% of 20s | memory 300 + loaders 100 MiB"
    )


def test_lines_of_epochs_that_are_trained_again_are_dropped(tmp_path, capsys):
    path = tmp_path / "epochs.jsonl"
    log = EpochLog(path, first_epoch=0)
    for epoch in range(3):
        log.add(summary(epoch, metrics={"cats": {"AP": float("nan"), "AP50": 0.5}}), epochs=3)
    assert capsys.readouterr().out.count("epoch") == 3
    resumed = EpochLog(path, first_epoch=2)
    assert [resumed.has(epoch) for epoch in range(3)] == [True, True, False]
    lines = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert [line["waited_share"] for line in lines] == [0.05, 0.05]
    assert lines[0]["metrics"]["cats"] == {"AP": None, "AP50": 0.5}


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return paint_squares(tmp_path_factory.mktemp("data") / "squares", photos=4)


def test_tensorboard_shows_losses_rates_metrics_waiting_and_pictures(data_set, tmp_path):
    pixels = torch.zeros(3, 8, 8, dtype=torch.uint8)
    run = tiny_trainer(
        tmp_path,
        tiny_photos(data_set),
        replace(RECIPE, evaluate_every_epochs=2),
        evaluate=lambda _: {"squares": METRICS},
        pictures=lambda _: {"squares/0": pixels},
    )
    run.run()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for name in ("loss/classification", "loss/centerness", "loss/box", "loss/total", "learning_rate"):
        assert [event.step for event in events.Scalars(name)] == [0, 1, 2, 3]
    # Every second epoch is evaluated; the last step of an epoch bears what is said of it.
    assert [(event.step, event.value) for event in events.Scalars("AP50/squares")] == [(3, 0.5)]
    assert [event.step for event in events.Scalars("loader/waited_share")] == [1, 3]
    assert events.Scalars("memory_mib/training")[0].value > 10
    assert [event.step for event in events.Images("pictures/squares/0")] == [3]


def test_a_picture_has_the_true_boxes_in_green_and_those_of_the_detector_in_red(data_set):
    photo = CocoPhotos(data_set, "val").photos[0]
    result = {"image_id": 0, "category_id": 1, "bbox": [2.0, 40.0, 30.0, 20.0], "score": 0.9}
    pixels = picture(photo, [result], {"square": 1})
    assert pixels.shape == (3, photo.height_px, photo.width_px)
    x1, y1, _, _ = (round(v) for v in photo.boxes[0].tolist())
    assert pixels[:, y1 + 12, x1].tolist() == [0, 255, 0]
    assert pixels[:, 58, 2].tolist() == [255, 0, 0]


def test_sample_pictures_are_drawn_of_the_first_photos_of_each_val_split(data_set):
    validation = {"squares": CocoPhotos(data_set, "val")}
    pictures = sample_pictures(tiny_detector().eval(), ["square"], validation)
    assert list(pictures) == ["squares/0"]
    assert pictures["squares/0"].dtype == torch.uint8
