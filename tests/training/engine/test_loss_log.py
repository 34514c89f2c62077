"""The log of losses: exact, cut where a run resumes, and untroubled by a line that a kill cut short."""

import math

from training.engine.loss_log import LossLog, read_losses


def log_of(path, next_step=0):
    return LossLog(path, next_step=next_step, steps_per_epoch=3)


def add(log, steps):
    for step in steps:
        log.add(step, {"box": math.pi * step, "classification": 0.1}, learning_rate=1e-4 / 3, gradient_norm=None)
    log.close()


def test_floats_read_back_as_themselves(tmp_path):
    add(log_of(tmp_path / "losses.jsonl"), range(5))
    lines = read_losses(tmp_path / "losses.jsonl")
    assert [line["losses"]["box"] for line in lines] == [math.pi * step for step in range(5)]
    assert [line["epoch"] for line in lines] == [0, 0, 0, 1, 1]
    assert lines[0]["learning_rate"] == 1e-4 / 3


def test_steps_that_will_be_trained_again_are_cut_off(tmp_path):
    path = tmp_path / "losses.jsonl"
    add(log_of(path), range(5))
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"step": 5, "epo')  # killed while writing
    assert len(read_losses(path)) == 5
    add(log_of(path, next_step=4), [4])
    assert path.read_bytes() == whole


def test_means_cover_the_whole_epoch_also_after_a_resume(tmp_path):
    path = tmp_path / "losses.jsonl"
    add(log_of(path), range(5))
    log = log_of(path, next_step=5)
    log.add(5, {"box": 1.0, "teacher": 6.0}, learning_rate=0.1, gradient_norm=1.0)
    assert log.epoch_means()["box"] == (3 * math.pi + 4 * math.pi + 1.0) / 3
    assert log.epoch_means()["teacher"] == 2.0
    log.close()


def test_an_epoch_that_ended_just_before_a_resume_still_has_its_means(tmp_path):
    path = tmp_path / "losses.jsonl"
    add(log_of(path), range(6))
    log = log_of(path, next_step=6)
    assert log.epoch_means()["box"] == (3 * math.pi + 4 * math.pi + 5 * math.pi) / 3
    log.close()
