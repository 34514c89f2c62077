"""What a run leaves behind, what it refuses, and what it says of broken images."""

import json
import math

import pytest
import torch

from tests.training.embedder.crop_worlds import paint_products
from tests.training.embedder.engine.crop_runs import one_process, recipe_of, recipe_values, write_recipe
from training.__main__ import main
from training.embedder.engine.evaluate_sets import evaluate_sets
from training.embedder.engine.load_embedder import embedder_spec, load_embedder
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.run import embedder_loop
from training.embedder.engine.run_labels import RunLabels
from training.embedder.errors import EmbedderError
from training.engine.errors import TrainingDiverged
from training.engine.loss_log import read_losses

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    paint_products(folder / "products", products=4, images=3, split="train")
    paint_products(folder / "products", products=4, images=1, split="val")
    paint_products(folder / "things", products=3, images=2)
    (folder / "things" / "red" / "1.png").write_bytes(b"not an image")
    return folder


@pytest.fixture(scope="module")
def run(world, tmp_path_factory):
    """A finished run, by the command."""
    folder = tmp_path_factory.mktemp("run")
    recipe = write_recipe(world, epochs=1, steps_per_epoch=2, evaluate_on=[f"{world}/products"])
    assert main(["train", str(recipe), "--run-folder", str(folder)]) == 0
    return folder


def test_the_run_folder_says_what_the_weights_came_from(run):
    facts = json.loads((run / "run.json").read_text())["sessions"][0]
    # The set of products names its splits, so `all` are train and val.
    assert {name: of_set["photos"] for name, of_set in facts["data"].items()} == {"products": 16, "things": 5}
    assert (run / "recipe.yaml").read_text().startswith("embedder: painted\ndata_sets:")
    assert [line["losses"].keys() for line in read_losses(run / "losses.jsonl")] == [
        {"arcface", "normalised_softmax", "pairwise", "contrastive", "triplet", "head_colour"}
    ] * 2
    epoch = json.loads((run / "epochs.jsonl").read_text())
    assert 0.0 <= epoch["metrics"]["products, label"]["P@1"] <= 1.0


def test_broken_images_are_counted_and_named(run):
    problems = json.loads((run / "data_problems.json").read_text())["things all"]
    assert problems["counts"] == {"photo unreadable": 1}
    assert problems["problems"][0]["photo"] == "1.png"


def test_the_embedder_comes_back_with_its_labels_and_nothing_is_fetched(run, monkeypatch):
    monkeypatch.setenv("GENOD_DATA", "/nowhere")
    spec = embedder_spec(run)
    assert [(head.name, head.labels) for head in spec.heads] == [("colour", ("blue", "green", "red"))]
    embedder = load_embedder(run)
    outputs = embedder(torch.rand(2, 3, 64, 64) * 255)
    assert outputs.embeddings.shape == (2, 8)
    assert outputs.logits["colour"].shape == (2, 3)


def test_what_is_printed_of_an_epoch_is_what_the_run_s_embedder_reaches(run, world):
    recipe = recipe_of(world, evaluate_on=[f"{world}/products"])
    printed = json.loads((run / "epochs.jsonl").read_text())["metrics"]
    assert evaluate_sets(load_embedder(run), recipe, {})["products, label"] == pytest.approx(printed["products, label"])
    figures = evaluate_sets(load_embedder(run), recipe, {"products": ["red", "blue"]})
    assert list(figures) == ["products, label", "products, unseen", "products, unseen among all"]


def test_a_folder_that_is_no_embedder_s_run_is_said_to_be_none(tmp_path):
    with pytest.raises(EmbedderError, match=r"no run folder: it has no recipe\.yaml"):
        load_embedder(tmp_path)
    with pytest.raises(EmbedderError, match=r"it has no embedder\.json"):
        RunLabels.read(tmp_path)


def test_a_run_does_not_go_on_with_other_labels(run, world):
    RunLabels.read(run).require_same(run)
    values = recipe_values(world)
    values["data_sets"][f"{world}/products"]["held_out_products"] = ["red"]
    with pytest.raises(EmbedderError, match="the data has other labels, or other products are held out"):
        embedder_loop(EmbedderRecipe(**values), run, one_process())


def test_a_detector_s_folder_is_not_written_into(world, tmp_path):
    torch.save({"detector": {}, "recipe": "head: h"}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match=r"last\.pt is no embedder's: name another --run-folder"):
        embedder_loop(recipe_of(world), tmp_path, one_process())
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_loss_that_is_no_number_stops_and_names_the_weight(world, tmp_path):
    loop = embedder_loop(recipe_of(world), tmp_path / "run", one_process())
    with torch.no_grad():
        loop._state.module.embedding.weight[0, 0] = math.nan
    with pytest.raises(TrainingDiverged, match=r"not finite at step 0 .*arcface nan.*embedding\.weight holds NaN"):
        loop.run()


def test_bf16_computes_in_bf16_and_keeps_weights_and_losses_in_fp32(world, tmp_path):
    loop = embedder_loop(recipe_of(world, precision="bf16", epochs=1), tmp_path / "run", one_process())
    seen = set()
    first = next(m for m in loop._state.module.trunk.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_hook(lambda _m, _i, out: seen.add(out.dtype))
    weights = loop.run().state_dict()
    assert seen == {torch.bfloat16}
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert all(
        math.isfinite(value)
        for line in read_losses(tmp_path / "run" / "losses.jsonl")
        for value in line["losses"].values()
    )


def test_frozen_blocks_stay_as_they_are(world, tmp_path):
    recipe = recipe_of(world, frozen_blocks=3, epochs=1, steps_per_epoch=1, ema_decay=0.0)
    loop = embedder_loop(recipe, tmp_path / "run", one_process())
    before = {name: value.clone() for name, value in loop._state.module.state_dict().items()}
    after = loop.run().state_dict()
    same = {name for name in after if torch.equal(after[name], before[name])}
    frozen = {name for name in after if name.startswith(("trunk.conv1.", "trunk.blocks.0.", "trunk.blocks.1."))}
    assert same == frozen
    with pytest.raises(ValueError, match="frozen_blocks must be at most 14"):
        embedder_loop(recipe_of(world, frozen_blocks=15), tmp_path / "other", one_process())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_sets": {"./no/such/folder": {"quota": 2, "losses": ["arcface"]}}}, "no folder ./no/such/folder"),
        ({"epoch": 3}, "unknown field epoch; known are "),
        ({"heads": {"colour": "sigmoid"}}, "colour must be one of softmax, multi_label_softmax"),
    ],
)
def test_what_cannot_be_run_is_one_line(world, tmp_path, capsys, changes, message):
    values = recipe_values(world, **changes)
    if "./no/such/folder" in values["data_sets"]:
        values["heads"] = {}
    (tmp_path / "recipe.yaml").write_text(json.dumps(values))
    assert main(["train", str(tmp_path / "recipe.yaml"), "--run-folder", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
