"""SIGKILL at any moment: an embedder's run resumes as if nothing had happened."""

import multiprocessing
import random

import pytest
import torch

from tests.training.embedder.crop_worlds import paint_products
from tests.training.embedder.engine.crop_runs import one_process, recipe_of, write_recipe
from tests.training.engine.kills import PATIENCE_S, kill_when, lines_of
from tests.training.engine.tiny_run import quiet, train_from_command_line
from training.embedder.engine.load_embedder import load_embedder
from training.embedder.engine.run import embedder_loop
from training.engine.checkpoint import load_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.timeout(900)
def test_a_training_killed_at_random_moments_has_the_losses_and_weights_of_one_left_alone(tmp_path):
    paint_products(tmp_path / "products", products=4, images=3)
    paint_products(tmp_path / "things", products=3, images=2)
    changes = {"loader_workers": 1, "augmentation": {"erasing_share": 0.5, "blur_share": 0.5, "rotation_deg": 20.0}}
    with quiet(tmp_path / "whole.log"):
        whole = embedder_loop(recipe_of(tmp_path, **changes), tmp_path / "whole", one_process()).run().state_dict()
    recipe = write_recipe(tmp_path, **changes)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.engine.tiny_run", "tests.training.embedder.engine.crop_runs"])
    run, log = tmp_path / "run", tmp_path / "run.log"
    moments = random.Random(11)
    kills = 0
    for steps in (1, 4):
        process = context.Process(target=train_from_command_line, args=(recipe, run, log))
        process.start()
        kills += kill_when(
            process, lambda n=steps: lines_of(run / "losses.jsonl") >= n, delay_s=moments.uniform(0.0, 0.1)
        )
    assert kills == 2
    process = context.Process(target=train_from_command_line, args=(recipe, run, log))
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0, log.read_text()
    assert "resuming" in log.read_text()
    assert "Next: python -m training train-hash" in log.read_text()

    assert lines_of(run / "losses.jsonl") == 6
    assert (run / "losses.jsonl").read_bytes() == (tmp_path / "whole" / "losses.jsonl").read_bytes()
    averaged = load_checkpoint(run / "last.pt")["averaged"]
    for name, value in whole.items():
        assert torch.equal(value, averaged[name]), name
    embedder = load_embedder(run)
    assert not embedder.training
    assert torch.equal(embedder.embedding.weight, whole["embedding.weight"])
