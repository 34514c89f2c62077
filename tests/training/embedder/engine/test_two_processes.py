"""Several processes that share every batch learn what one process learns of it."""

import multiprocessing

import pytest

from tests.training.embedder.crop_worlds import paint_products
from tests.training.embedder.engine.crop_runs import one_process, recipe_of, run_one_of_several
from tests.training.engine.kills import PATIENCE_S
from tests.training.engine.tiny_run import quiet
from training.embedder.engine.run import embedder_loop
from training.engine.checkpoint import load_checkpoint
from training.engine.loss_log import read_losses

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    paint_products(folder / "products", products=4, images=3)
    paint_products(folder / "things", products=3, images=2)
    return folder


ONE_CROP = {"quota": 1, "split": "all", "losses": ["arcface", "pairwise", "triplet"]}


@pytest.mark.parametrize(
    ("count", "changes"),
    [
        (2, {}),  # 7 crops a step: shares of 4 and 3, and products whose two crops are with two processes
        (2, {"optimizer": "sgd", "accumulate_steps": 2, "learning_rate": 0.1}),
        (3, {"small": True}),  # 2 crops a step: the third process never has one
    ],
    ids=["uneven shares", "sgd, accumulated", "more processes than crops"],
)
def test_several_processes_equal_one(world, tmp_path, count, changes):
    if changes.pop("small", False):
        heads = {"quota": 1, "split": "all", "heads": {"colour": "label"}}
        changes["data_sets"] = {f"{world}/products": ONE_CROP, f"{world}/things": heads}
    recipe = recipe_of(world, **changes)
    one = embedder_loop(recipe, tmp_path / "one", one_process())
    initial = {name: value.clone() for name, value in one._state.module.state_dict().items()}
    with quiet(tmp_path / "one.log"):
        one.run()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.embedder.engine.crop_runs"])
    processes = [
        context.Process(target=run_one_of_several, args=(rank, count, world, tmp_path, changes))
        for rank in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_S)
    logs = [(tmp_path / f"rank{rank}.log").read_text() for rank in range(count)]
    assert [process.exitcode for process in processes] == [0] * count, logs
    assert logs[1:] == [""] * (count - 1)  # the first process alone speaks
    assert_equal_losses(tmp_path / "run", tmp_path / "one")
    assert_equal_weights(tmp_path / "run", tmp_path / "one", initial)


def assert_equal_losses(ours, theirs):
    """To rounding; gradients too while the weights are the same, which is at the first step."""
    losses, expected = read_losses(ours / "losses.jsonl"), read_losses(theirs / "losses.jsonl")
    assert len(losses) == len(expected) == 6
    for line, of_one in zip(losses, expected, strict=True):
        assert line["losses"] == pytest.approx(of_one["losses"], rel=1e-4, abs=1e-6)
    first, first_of_one = (next(s["gradient_norm"] for s in run if s["gradient_norm"]) for run in (losses, expected))
    assert first == pytest.approx(first_of_one, rel=1e-4)


def assert_equal_weights(ours, theirs, initial):
    """Weights differ by far less than they have moved: rounding decides where a gradient is almost none."""
    ours, theirs = load_checkpoint(ours / "last.pt")["embedder"], load_checkpoint(theirs / "last.pt")["embedder"]
    learnt = [name for name in ours if ours[name].is_floating_point()]
    difference = sum(float((ours[name] - theirs[name]).square().sum()) for name in learnt) ** 0.5
    moved = sum(float((ours[name] - initial[name]).square().sum()) for name in learnt) ** 0.5
    assert moved > 0
    assert difference < 0.05 * moved
