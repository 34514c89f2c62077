"""Several processes that share every batch learn what one process learns of it."""

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from tests.training.engine.squares import paint_squares, write_recipe
from tests.training.engine.tiny_run import RECIPE, quiet, run_one_of_several, tiny_photos, tiny_trainer
from training.detector.initial_weights import initial_detector
from training.engine.checkpoint import load_checkpoint
from training.engine.errors import ProcessError
from training.engine.loss_log import read_losses
from training.engine.processes import Processes, joined_processes, require_equal_statistics
from training.engine.recipe import Recipe
from training.engine.run import train

PATIENCE_S = 600


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    return paint_squares(tmp_path_factory.mktemp("data") / "squares", photos=7)


def assert_equal_runs(ours, theirs, *, rel):
    """Losses agree to rounding; gradients too while the weights are the same, which is at the first step."""
    losses, expected = read_losses(ours / "losses.jsonl"), read_losses(theirs / "losses.jsonl")
    assert [line["step"] for line in losses] == [line["step"] for line in expected]
    for line, of_one in zip(losses, expected, strict=True):
        assert line["losses"] == pytest.approx(of_one["losses"], rel=rel, abs=1e-7)
    first, first_of_one = (next(s["gradient_norm"] for s in run if s["gradient_norm"]) for run in (losses, expected))
    assert first == pytest.approx(first_of_one, rel=rel)


def assert_equal_weights(ours, theirs, initial):
    """Weights differ by far less than they have moved: rounding decides where a gradient is almost none."""
    ours, theirs = load_checkpoint(ours / "last.pt")["detector"], load_checkpoint(theirs / "last.pt")["detector"]
    difference = sum(float((ours[name] - theirs[name]).square().sum()) for name in ours) ** 0.5
    moved = sum(float((ours[name] - initial[name]).square().sum()) for name in ours) ** 0.5
    assert moved > 0
    assert difference < 0.05 * moved


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_torchrun_with_two_processes_equals_one_process(squares, tmp_path):
    # 3 photos a step of 4 and 3 photos an orientation: shares of 2 and 1, and a step with a photo for one process only.
    path = write_recipe(tmp_path / "recipe.yaml", squares, epochs=1, images_per_step=3, loader_workers=0)
    recipe = Recipe.load(path)
    with quiet(tmp_path / "one.log"):
        train(recipe, tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "training", "train", str(path), "--run-folder", str(tmp_path / "two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as torchrun:
        try:
            out, errors = torchrun.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(torchrun.pid, signal.SIGKILL)  # and the processes that it started
            raise
    assert torchrun.returncode == 0, errors[-2000:]
    assert out.count("epoch 1/1") == 1  # the first process alone speaks
    assert out.count("done:") == 1
    assert len(read_losses(tmp_path / "two" / "losses.jsonl")) == 3
    assert_equal_runs(tmp_path / "two", tmp_path / "one", rel=1e-4)
    torch.manual_seed(recipe.seed)
    detector, _ = initial_detector(recipe, num_classes=1, taxonomy_ids=lambda: [1])
    assert_equal_weights(tmp_path / "two", tmp_path / "one", detector.state_dict())


@pytest.mark.parametrize(
    ("count", "fields"),
    [
        (2, {"images_per_step": 3}),
        (3, {"images_per_step": 2}),  # one process never has a photo of its own
        (2, {"images_per_step": 2, "accumulate_steps": 2, "precision": "bf16"}),
        # Unlabelled photos, of which a process may have no others: all must still take part in the sums.
        (2, {"images_per_step": 3, "distillation_weight": 2.0, "keep_teacher_classifier": True}),
    ],
    ids=["uneven shares", "more processes than photos", "accumulated, in BF16", "with a teacher"],
)
def test_several_processes_equal_one(squares, tmp_path, count, fields):
    recipe = replace(RECIPE, **fields)
    photos = tiny_photos(squares, recipe, unlabelled=3 if recipe.distillation_weight else 0)
    one = tiny_trainer(tmp_path / "one", photos, recipe)
    initial = {name: value.clone() for name, value in one._state.module.state_dict().items()}
    with quiet(tmp_path / "one.log"):
        one.run()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.engine.tiny_run", "training.engine.run"])
    processes = [
        context.Process(target=run_one_of_several, args=(rank, count, squares, tmp_path, fields))
        for rank in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
    assert [process.exitcode for process in processes] == [0] * count
    assert_equal_runs(tmp_path / "run", tmp_path / "one", rel=2e-2 if recipe.precision == "bf16" else 1e-4)
    if recipe.precision == "fp32":
        assert_equal_weights(tmp_path / "run", tmp_path / "one", initial)
    for rank in range(1, count):
        assert (tmp_path / f"rank{rank}.log").read_text() == ""


def test_a_batch_norm_over_a_part_of_the_batch_is_refused():
    module = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    require_equal_statistics(module, Processes(device=torch.device("cpu")))
    with pytest.raises(ProcessError, match="0 takes the mean over a batch"):
        require_equal_statistics(module, Processes(rank=1, count=2, device=torch.device("cpu")))


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ProcessError, match="there is no GPU here"), joined_processes("cuda", environment={}):
        pass
    with joined_processes("auto", environment={}) as processes:
        assert processes.device.type == "cpu"
        assert processes.is_first
