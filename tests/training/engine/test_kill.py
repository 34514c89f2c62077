"""SIGKILL at any moment: the files of a run are whole, and it resumes as if nothing had happened."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from tests.training.engine.kills import PATIENCE_S, kill_when, lines_of
from tests.training.engine.squares import paint_squares, write_recipe
from tests.training.engine.tiny_run import quiet, train_from_command_line
from training.engine.checkpoint import load_checkpoint, load_newest, save_checkpoint
from training.engine.loss_log import read_losses
from training.engine.recipe import Recipe
from training.engine.run import train


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have their imports behind them; each may be killed like any other."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.engine.tiny_run", "training.engine.run"])
    return context


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_killed_at_random_moments_has_the_losses_and_weights_of_one_left_alone(processes, tmp_path):
    data_set = paint_squares(tmp_path / "squares", photos=6)
    recipe = write_recipe(tmp_path / "recipe.yaml", data_set, epochs=2, checkpoint_every_steps=1, loader_workers=1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with quiet(tmp_path / "whole.log"):
            whole = train(Recipe.load(recipe), tmp_path / "whole").state_dict()
    finally:
        torch.set_num_threads(threads)
    run, log = tmp_path / "run", tmp_path / "run.log"
    moments = random.Random(7)
    kills = 0
    for steps in (1, 3, 6):
        process = processes.Process(target=train_from_command_line, args=(recipe, run, log))
        process.start()
        wanted = lines_of(run / "losses.jsonl") + 1 if steps == 1 else steps
        kills += kill_when(
            process, lambda n=wanted: lines_of(run / "losses.jsonl") >= n, delay_s=moments.uniform(0.0, 0.4)
        )
    assert kills == 3
    process = processes.Process(target=train_from_command_line, args=(recipe, run, log))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0, log.read_text()

    assert len(read_losses(run / "losses.jsonl")) == 8
    assert (run / "losses.jsonl").read_bytes() == (tmp_path / "whole" / "losses.jsonl").read_bytes()
    averaged = load_checkpoint(run / "last.pt")["averaged"]
    for name, value in whole.items():
        assert torch.equal(value, averaged[name]), name
    assert "resuming" in log.read_text()


def save_for_ever(folder: Path) -> None:
    step = 0
    while True:
        step += 1
        state = {"step": step, "weights": torch.full((50_000,), float(step))}
        save_checkpoint(folder / "last.pt", state, keep_as=folder / "previous.pt")


def test_a_kill_while_saving_leaves_a_whole_checkpoint(processes, tmp_path):
    moments = random.Random(3)
    reached = 0
    for _ in range(8):
        process = processes.Process(target=save_for_ever, args=(tmp_path,))
        process.start()
        kill_when(process, (tmp_path / "last.pt").exists, delay_s=moments.uniform(0.02, 0.25))
        found = load_newest(tmp_path)
        assert found is not None
        path, state = found
        assert path.name == "last.pt"  # renamed only when whole, so the fallback is not even needed
        assert state["weights"].unique().tolist() == [state["step"]]
        reached = max(reached, state["step"])
    assert reached > 1
    assert load_checkpoint(tmp_path / "previous.pt")["step"] >= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_asked_to_stop_saves_and_says_how_to_go_on(processes, tmp_path, number):
    data_set = paint_squares(tmp_path / "squares", photos=6)
    recipe = write_recipe(tmp_path / "recipe.yaml", data_set, epochs=50, checkpoint_every_steps=0)
    run, log = tmp_path / "run", tmp_path / "run.log"
    process = processes.Process(target=train_from_command_line, args=(recipe, run, log))
    process.start()
    deadline = time.monotonic() + PATIENCE_S
    while lines_of(run / "losses.jsonl") < 2:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, number)
    os.kill(process.pid, number)  # as torchrun passes on what the terminal has sent already
    process.join(PATIENCE_S)
    text = log.read_text()
    assert process.exitcode == 130, text
    assert "the same command goes on from there" in text
    assert "Traceback" not in text
    assert load_checkpoint(run / "last.pt")["step"] == lines_of(run / "losses.jsonl")
