"""The loop: it resumes at any step, says why it stops, counts what it does, and leaves a frozen backbone alone."""

import itertools
import json
import math
from dataclasses import replace

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter  # noqa: F401  imported here, so that no test's time holds it

from tests.training.engine.squares import paint_squares
from tests.training.engine.tiny_run import RECIPE, tiny_photos, tiny_trainer
from training.data.augmentation import CanvasAugmentation
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import SharedBackbone
from training.detector.detector import Detector
from training.detector.fcos_head import FCOSHead
from training.engine.checkpoint import load_checkpoint
from training.engine.errors import CheckpointError, DataError, ProcessError, TrainingDiverged
from training.engine.loss_log import read_losses
from training.engine.trainer import Trainer
from training.evaluation.coco_metrics import CocoMetrics

METRICS = CocoMetrics(0.25, 0.5, 0.125, {"square": 0.5}, {"square": 0.25})


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    return paint_squares(tmp_path_factory.mktemp("data") / "squares", photos=6)


@pytest.fixture(scope="module")
def photos(data_set):
    return tiny_photos(data_set)


@pytest.fixture(scope="module")
def whole(photos, tmp_path_factory):
    """An uninterrupted run: its losses and its weights."""
    folder = tmp_path_factory.mktemp("whole")
    weights = tiny_trainer(folder, photos).run().state_dict()
    return read_losses(folder / "losses.jsonl"), weights


class Killed(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


def stopping_at(trainer, step):
    """Make a trainer die in the middle of a step."""
    losses_of_batch = trainer._losses.of_batch

    def of_batch(batch):
        if trainer._state.next_step == step:
            raise Killed
        return losses_of_batch(batch)

    trainer._losses.of_batch = of_batch
    return trainer


def assert_same(folder, weights, whole):
    losses, whole_weights = whole
    assert read_losses(folder / "losses.jsonl") == losses  # every float to the bit
    for name, value in whole_weights.items():
        assert torch.equal(value, weights[name]), name


@pytest.mark.parametrize("step", range(8))
def test_a_run_that_dies_at_a_step_resumes_to_the_same_losses_and_weights(photos, tmp_path, whole, step):
    assert len(whole[0]) == 8
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path, photos), step).run()
    weights = tiny_trainer(tmp_path, photos).run().state_dict()
    assert_same(tmp_path, weights, whole)


def test_a_run_saved_every_third_step_repeats_the_steps_since(photos, tmp_path, whole, capsys):
    recipe = replace(RECIPE, checkpoint_every_steps=3)
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path, photos, recipe), 7).run()
    assert len(read_losses(tmp_path / "losses.jsonl")) == 7
    weights = tiny_trainer(tmp_path, photos, recipe).run().state_dict()
    assert "after epoch 1 and 2 of 4 steps" in capsys.readouterr().out
    assert_same(tmp_path, weights, whole)


def test_a_run_that_dies_in_its_evaluation_is_evaluated_when_it_resumes(photos, tmp_path, whole):
    def die(_detector):
        raise Killed

    with pytest.raises(Killed):
        tiny_trainer(tmp_path, photos, evaluate=die).run()
    weights = tiny_trainer(tmp_path, photos, evaluate=lambda _: {"squares": METRICS}).run().state_dict()
    assert_same(tmp_path, weights, whole)
    epochs = [json.loads(line) for line in (tmp_path / "epochs.jsonl").read_text().splitlines()]
    assert [epoch["metrics"]["squares"]["AP50"] for epoch in epochs] == [0.5, 0.5]
    assert epochs[0]["losses"]["box"] == pytest.approx(
        sum(line["losses"]["box"] for line in whole[0][:4]) / 4, rel=1e-12
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_losses_do_not_depend_on_who_loads_the_photos(photos, tmp_path, whole, workers):
    weights = tiny_trainer(tmp_path, photos, workers=workers).run().state_dict()
    assert_same(tmp_path, weights, whole)


@pytest.mark.parametrize("damage", ["cut short", "changed"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(photos, tmp_path, whole, capsys, damage):
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path, photos), 6).run()
    content = bytearray((tmp_path / "last.pt").read_bytes())
    if damage == "cut short":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    (tmp_path / "last.pt").write_bytes(content)
    weights = tiny_trainer(tmp_path, photos).run().state_dict()
    out = capsys.readouterr().out
    assert "last.pt" in out
    assert "previous.pt, the one before, is taken" in out
    assert "after epoch 1 and 1 of 4 steps" in out
    assert_same(tmp_path, weights, whole)


def test_a_run_without_any_whole_checkpoint_says_so_and_does_not_start_over(photos, tmp_path):
    for name in ("last.pt", "previous.pt"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 not much")
    with pytest.raises(CheckpointError, match="no checkpoint of this run can be read"):
        tiny_trainer(tmp_path, photos)


def test_a_run_folder_of_another_recipe_is_not_resumed(photos, tmp_path):
    tiny_trainer(tmp_path, photos, replace(RECIPE, epochs=1)).run()
    with pytest.raises(ValueError, match="another recipe"):
        tiny_trainer(tmp_path, photos)


def test_a_recipe_that_differs_in_how_often_it_saves_is_resumed(photos, tmp_path, whole):
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path, photos), 3).run()
    weights = tiny_trainer(tmp_path, photos, replace(RECIPE, checkpoint_every_steps=0)).run().state_dict()
    assert_same(tmp_path, weights, whole)


def test_a_checkpoint_of_a_version_that_saved_at_ends_of_epochs_only_is_resumed(photos, tmp_path, whole):
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path, photos), 4).run()
    state = load_checkpoint(tmp_path / "last.pt")
    old = {name: state[name] for name in ("recipe", "detector", "averaged", "optimizer")} | {"epoch": 0}
    for name in ("device", "precision", "accumulate_steps", "checkpoint_every_steps", "loader_workers"):
        old["recipe"] = "".join(line for line in old["recipe"].splitlines(True) if not line.startswith(f"{name}:"))
    torch.save(old, tmp_path / "last.pt")
    weights = tiny_trainer(tmp_path, photos).run().state_dict()
    assert_same(tmp_path, weights, whole)


def broken_photo(photos, index, monkeypatch):
    """Give one photo a box that is no number."""
    draw = type(photos).augmented

    def augmented(self, k):
        pixels, boxes, labels = draw(self, k)
        return pixels, boxes * math.nan if k == index else boxes, labels

    monkeypatch.setattr(type(photos), "augmented", augmented)


def loss_that_is_nan_for_bad_boxes(trainer):
    """Assignment leaves out boxes that are no numbers; let them through to the loss."""
    losses_of_head = trainer._state.module.head.losses

    def losses(outputs, level_sizes, truth):
        bad = sum(boxes.sum() for boxes in truth.boxes_per_image) * 0
        terms = losses_of_head(outputs, level_sizes, truth)
        return terms | {"box": terms["box"] + bad}

    trainer._state.module.head.losses = losses
    return trainer


def test_a_loss_that_is_no_number_stops_with_the_term_the_photo_and_the_learning_rate(photos, tmp_path, monkeypatch):
    broken_photo(photos, 3, monkeypatch)
    with pytest.raises(TrainingDiverged) as caught:
        loss_that_is_nan_for_bad_boxes(tiny_trainer(tmp_path, photos, replace(RECIPE, images_per_step=4))).run()
    message = str(caught.value)
    bad_step = len(read_losses(tmp_path / "losses.jsonl"))
    assert f"not finite at step {bad_step} " in message
    assert "box nan" in message
    assert "classification nan" not in message
    assert "learning rate " in message
    assert f"It comes from {photos.photos[3].path}, 1 of 3 photos" in message
    assert "\n" not in message
    state = load_checkpoint(tmp_path / "diverged.pt")
    assert state["step"] == bad_step
    assert all(torch.isfinite(value).all() for value in state["detector"].values())


def test_weights_that_are_no_numbers_are_named(photos, tmp_path):
    diverging = tiny_trainer(tmp_path, photos)
    with torch.no_grad():
        diverging._state.module.head.classifiers[0].weight.fill_(math.nan)
    with pytest.raises(TrainingDiverged, match=r"step 0 .*head\.classifiers\.0\.weight holds NaN"):
        diverging.run()
    assert not (tmp_path / "last.pt").exists()


def test_a_gradient_that_is_no_number_stops_before_the_weights_move(photos, tmp_path):
    diverging = tiny_trainer(tmp_path, photos)
    weight = diverging._state.module.head.regressors[0].weight
    before = weight.detach().clone()
    weight.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(
        TrainingDiverged, match=r"gradient is not finite at step 0.*that of head\.regressors\.0\.weight"
    ):
        diverging.run()
    assert torch.equal(weight, before)


def test_accumulated_steps_move_the_weights_together(photos, tmp_path, whole):
    recipe = replace(RECIPE, accumulate_steps=3, epochs=1)
    run = tiny_trainer(tmp_path, photos, recipe)
    first = run._state.module.backbone.conv.weight
    seen = [first.detach().clone()]
    train_step = run._train_step

    def watch(step, batch):
        stop = train_step(step, batch)
        seen.append(first.detach().clone())
        return stop

    run._train_step = watch
    run.run()
    moved = [not torch.equal(a, b) for a, b in itertools.pairwise(seen)]
    assert moved == [False, False, True, True]  # 4 steps an epoch: the last group has one
    norms = [line["gradient_norm"] for line in read_losses(tmp_path / "losses.jsonl")]
    assert [norm is not None for norm in norms] == moved


def test_two_accumulated_batches_give_the_mean_of_their_gradients(photos, tmp_path):
    run = tiny_trainer(tmp_path, photos, replace(RECIPE, accumulate_steps=2))
    weight = run._state.module.backbone.conv.weight
    batches = [run._loader.next_batch() for _ in range(2)]
    losses = [torch.stack(list(run._losses.of_batch(batch).values())).sum() for batch in batches]
    of_each = [torch.autograd.grad(loss, weight)[0] for loss in losses]
    seen = []

    def move_weights(_step):
        seen.append(weight.grad.clone())
        return 1.0

    run._state.move_weights = move_weights
    for step, batch in enumerate(batches):
        run._train_step(step, batch)
    torch.testing.assert_close(seen, [(of_each[0] + of_each[1]) / 2], rtol=1e-5, atol=1e-7)


def test_bf16_computes_in_bf16_and_keeps_weights_and_losses_in_fp32(photos, tmp_path, whole):
    recipe = replace(RECIPE, precision="bf16")
    with pytest.raises(Killed):
        stopping_at(tiny_trainer(tmp_path / "run", photos, recipe), 5).run()
    run = tiny_trainer(tmp_path / "run", photos, recipe)
    seen = set()
    run._state.module.backbone.conv.register_forward_hook(lambda _m, _i, out: seen.add(out.dtype))
    weights = run.run().state_dict()
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in weights.values()} == {torch.float32}
    losses = read_losses(tmp_path / "run" / "losses.jsonl")
    for ours, fp32 in zip(losses, whole[0], strict=True):
        assert ours["losses"] == pytest.approx(fp32["losses"], rel=0.05)
        assert ours["losses"] != fp32["losses"]
    tiny_trainer(tmp_path / "again", photos, recipe).run()
    assert read_losses(tmp_path / "again" / "losses.jsonl") == losses


def test_a_recipe_without_any_photo_is_refused(photos, tmp_path):
    none = TrainingPhotos([], [], [], ["square"], CanvasAugmentation(shorter_side_range_px=(300, 340)))
    with pytest.raises(DataError, match="no photo to learn from"):
        tiny_trainer(tmp_path, none)


def test_what_this_machine_cannot_do_is_refused_before_anything_is_written(photos, tmp_path):
    with pytest.raises(ProcessError, match="fp16 needs a GPU"):
        tiny_trainer(tmp_path / "run", photos, replace(RECIPE, precision="fp16"))
    assert not (tmp_path / "run").exists()


def test_the_run_folder_says_what_the_weights_came_from(photos, tmp_path):
    tiny_trainer(tmp_path, photos, replace(RECIPE, epochs=1)).run()
    facts = json.loads((tmp_path / "run.json").read_text())["sessions"]
    assert facts[0]["software"]["torch"] == torch.__version__.split("+")[0]
    assert facts[0]["data"]["squares"]["photos"] == 6
    assert len(facts[0]["data"]["squares"]["sha256"]) == 64
    tiny_trainer(tmp_path, photos, replace(RECIPE, epochs=1)).run()
    assert json.loads((tmp_path / "run.json").read_text())["sessions"] == facts  # nothing is different


def test_a_frozen_backbone_stays_bit_identical_while_the_head_learns(photos, tmp_path):
    run = tiny_trainer(tmp_path, photos, replace(RECIPE, backbone="frozen", epochs=1))
    before = {name: value.clone() for name, value in run._state.module.state_dict().items()}
    trained = run.run().state_dict()
    changed = {name.split(".")[0] for name, value in trained.items() if not torch.equal(value, before[name])}
    assert changed == {"head"}


def test_unfrozen_training_moves_every_layer_of_the_shared_backbone(photos, tmp_path):
    head = FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=1, tower_depth=1, tower_channels=8)
    detector = Detector(SharedBackbone(), head)
    before = {name: value.clone() for name, value in detector.backbone.state_dict().items()}
    recipe = replace(RECIPE, epochs=1, ema_decay=0.0, warmup_steps=0)
    Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=(head,),
        photos=photos,
        run_folder=tmp_path,
        teacher=None,
        evaluate=None,
        loader_workers=0,
    ).run()
    after = detector.backbone.state_dict()
    assert [name for name, value in after.items() if torch.equal(value, before[name])] == []
