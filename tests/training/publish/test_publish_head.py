"""Split `cat` out of the generic head of a copied repository, then try to publish a head that has learnt nothing."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image

from ensembles.checks import find_problems
from ensembles.memory_pools import MemoryPools
from ensembles.render_command import render_all
from ensembles.served_models import read_served_models as read_as_ensembles
from ensembles.wiring.detect import wire
from tests.conftest import REPO_ROOT
from training.data.letterbox import letterbox
from training.detector.build import build_detector
from training.detector.served_weights import newest_graph, served_class_ids
from training.engine.checkpoint import save_checkpoint
from training.engine.recipe import Recipe
from training.engine.run import train
from training.evaluation.evaluate_repository import RepositoryDetector
from training.publish.errors import PublishError, RegressionRefused
from training.publish.publish_head import Destination, Margins, publish_head
from training.publish.served_models import SERVED_MODELS_PATH, read_served_models
from training.taxonomy import load_taxonomy

CAT = load_taxonomy().id_of("cat")
SLIM: dict[str, Any] = {"tower_depth": 1, "tower_channels": 32}
SPLIT = Recipe(
    head="head_cat",
    data_set="overwritten",
    labels=("cat",),
    backbone="frozen",
    backbone_from="model_repository",
    head_from="head_generic",
    epochs=1,
    images_per_step=2,
    learning_rate=1e-7,
    new_layer_learning_rate=1e-7,
    shorter_side_range_px=(400, 400),
)


@pytest.fixture(scope="module")
def cat_photos(tmp_path_factory):
    """The photo of a cat that scikit-image ships, with the box where the served models see it, as a part of COCO."""
    folder = tmp_path_factory.mktemp("data") / "coco_mini"
    (folder / "images").mkdir(parents=True)
    photo = Image.fromarray(skimage.data.chelsea())
    canvas, canvas_to_image = letterbox(photo)
    found = RepositoryDetector(REPO_ROOT / "model_repository").detect(canvas, canvas_to_image, photo.size)
    row = next(k for k, class_id in enumerate(found["class_ids"]) if class_id == CAT)
    x1, y1, x2, y2 = found["boxes"][row].tolist()
    images, annotations = [], []
    for k in range(3):
        photo.save(folder / "images" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "width": photo.width, "height": photo.height})
        box = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
        annotations.append({"id": k + 1, "image_id": k, "category_id": 17, **box})
    categories = [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document))
    (folder / "split.json").write_text(json.dumps({"train": ["0.png", "1.png"], "val": ["2.png"]}))
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_other_set(cat_photos, tmp_path_factory):
    """All that GENOD_DATA holds: the val photo under a label of LVIS, and two that mean no category on purpose."""
    folder = tmp_path_factory.mktemp("other") / "detection" / "lvis"
    shutil.copytree(cat_photos, folder)
    document = json.loads((folder / "annotations.json").read_text())
    document["categories"] = [{"id": 17, "name": "cat"}, {"id": 1, "name": "visor"}, {"id": 2, "name": "pipe_bowl"}]
    document["annotations"].append({**document["annotations"][2], "id": 4, "category_id": 1})
    (folder / "annotations.json").write_text(json.dumps(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENOD_DATA", str(folder.parents[1]))
        yield


def run_of(recipe, photos, folder):
    train(replace(recipe, data_set=str(photos)), folder)
    return folder


def destination_in(folder: Path) -> Destination:
    # Of the ensembles `detect` alone: the wirings of the others read the checkout's pins, not those of this copy.
    ignored = shutil.ignore_patterns("__pycache__", "visual_search", "embed")
    shutil.copytree(REPO_ROOT / "model_repository", folder / "model_repository", ignore=ignored)
    shutil.copy(SERVED_MODELS_PATH, folder / "served_models.json")
    return Destination(
        repository=folder / "model_repository",
        served_models=folder / "served_models.json",
        certificates=folder / "certificates",
    )


def contents(destination):
    files = sorted(p for p in destination.repository.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in [*files, destination.served_models]}


@pytest.fixture(scope="module")
def published(cat_photos, tmp_path_factory):
    """The split head, published; and what the destination held before."""
    folder = tmp_path_factory.mktemp("published")
    destination = destination_in(folder)
    before = contents(destination)
    run = run_of(SPLIT, cat_photos, folder / "run")
    certificate, page = publish_head(run, destination)
    return destination, certificate, page, before


def test_the_head_is_there_connected_and_pinned(published):
    destination, certificate, _, _ = published
    assert (certificate.head, certificate.version, certificate.classes) == ("head_cat", 1, {"cat": CAT})
    served = read_served_models(destination.served_models)
    assert list(served.heads.items())[-1] == ("head_cat", 1)
    assert served.shared["label_propagation"] == 2
    assert served_class_ids(newest_graph(destination.repository, "head_cat")) == [CAT]
    assert read_as_ensembles(destination.served_models).heads == served.heads


def test_no_file_that_was_served_before_has_changed_but_label_propagation_s_config(published):
    destination, _, _, before = published
    after = contents(destination)
    changed = {path for path, digest in before.items() if after[path] != digest}
    lp_configs = {p for p in before if "/label_propagation/" in p and p.endswith(".pbtxt")}
    assert changed <= {*lp_configs, str(destination.served_models)}


def test_the_older_head_s_detections_of_the_class_are_dropped(published):
    _, certificate, page, _ = published
    assert certificate.taken_over == {"head_generic": ["cat"]}
    assert "Taken over from head_generic, whose detections of them are dropped: cat." in page.read_text()


def test_the_certificate_shows_bit_identical_others_and_ap_before_and_after(published):
    _, certificate, page, _ = published
    assert [(answer.head, answer.is_identical) for answer in certificate.probe] == [
        ("head_generic", True),
        ("head_electronics", True),
    ]
    (cat,) = [change for change in certificate.categories if change.data_set == "coco_mini" and change.label == "cat"]
    assert cat.before > 0.8
    assert cat.after == pytest.approx(cat.before, abs=0.05)
    (data,) = certificate.trained_on
    assert (data.name, data.role, data.train_photos) == ("coco_mini", "data_set", 2)
    text = page.read_text()
    assert "identical to the bit" in text
    assert "DIFFERENT" not in text
    assert json.loads(page.with_suffix(".json").read_text())["head"] == "head_cat"


def test_labels_that_mean_no_category_on_purpose_do_not_keep_their_set_out(published):
    _, certificate, _, _ = published
    (cat,) = [change for change in certificate.categories if change.data_set == "lvis"]
    assert cat.label == "cat"
    assert cat.before > 0.8


def test_the_published_repository_passes_every_check(published):
    destination, _, _, _ = published
    wirings = [wire(read_as_ensembles(destination.served_models))]
    render_all(destination.repository, wirings)
    problems = find_problems(destination.repository, wirings, MemoryPools())
    assert [str(problem) for problem in problems] == []


def test_a_head_that_lost_a_category_is_refused_with_its_name_and_numbers(published, cat_photos, tmp_path):
    destination, _, _, _ = published
    run = run_of(replace(SPLIT, head_from="", **SLIM), cat_photos, tmp_path / "run")
    before = contents(destination)
    with pytest.raises(RegressionRefused, match=r"cat on coco_mini: AP \d\.\d+ became 0\.\d+, a loss of .* 0\.0100 is"):
        publish_head(run, destination)
    assert contents(destination) == before
    assert not list(destination.repository.parent.glob(".publish-*"))
    # A loss that is meant can be allowed, and the next version is one that was never used.
    certificate, _ = publish_head(run, destination, Margins(by_label={"cat": 1.0}))
    assert certificate.version == 2
    assert read_served_models(destination.served_models).heads["head_cat"] == 2


def test_a_head_of_another_backbone_is_refused(cat_photos, tmp_path):
    destination = destination_in(tmp_path)
    run = run_of(SPLIT, cat_photos, tmp_path / "run")
    import torch

    state = torch.load(run / "last.pt", weights_only=True)
    state["averaged"]["backbone.trunk.conv1.0.bias"] += 1
    torch.save(state, run / "last.pt")
    with pytest.raises(PublishError, match="trained on another backbone"):
        publish_head(run, destination)


def test_a_head_on_a_backbone_of_another_architecture_is_refused(tmp_path):
    recipe = replace(SPLIT, architecture="mobilenet_v3_fpn", head_from="", **SLIM)
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text(recipe.as_yaml())
    state = build_detector(recipe, num_classes=1).state_dict()
    save_checkpoint(run / "last.pt", {"epoch": 0, "recipe": recipe.as_yaml(), "detector": state, "averaged": state})
    with pytest.raises(PublishError, match="trained on another backbone"):
        publish_head(run, destination_in(tmp_path / "to"))


def test_a_run_that_trained_the_backbone_is_refused(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text(replace(SPLIT, backbone="train").as_yaml())
    with pytest.raises(FileNotFoundError, match=r"no last\.pt"):
        publish_head(run, destination_in(tmp_path / "to"))
