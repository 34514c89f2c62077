"""The loop on a handful of painted photos: it resumes, it stops when it diverges, it leaves a frozen backbone alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import CocoPhotos
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.engine.recipe import Recipe
from training.engine.trainer import Detector, Trainer, TrainingDiverged

RECIPE = Recipe(head="head_squares", data_set="squares", epochs=2, images_per_step=2, shorter_side_range_px=(300, 340))


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for k in range(4):
        size = (96, 64) if k % 2 else (64, 96)
        image = Image.new("RGB", size, tuple(int(v) for v in rng.integers(0, 80, 3)))
        x, y = (int(v) for v in rng.integers(4, 30, 2))
        ImageDraw.Draw(image).rectangle((x, y, x + 24, y + 24), fill=(250, 200, 60))
        image.save(folder / "images" / f"{k}.png")
        images.append({"id": k, "file_name": f"{k}.png", "width": size[0], "height": size[1]})
        annotations.append(
            {"id": k, "image_id": k, "category_id": 1, "bbox": [x, y, 25, 25], "area": 625, "iscrowd": 0}
        )
    categories = [{"id": 1, "name": "square"}]
    (folder / "annotations.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    names = [i["file_name"] for i in images]
    (folder / "split.json").write_text(json.dumps({"train": names, "val": names[:1]}))
    return CocoPhotos(folder, "train")


def trainer(recipe, squares, run_folder, *, evaluate=None):
    torch.manual_seed(recipe.seed)
    head = FCOSHead(in_channels=SharedBackbone.out_channels, num_classes=1)
    detector = Detector(SharedBackbone(), head)
    augmentation = CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px)
    return Trainer(
        recipe=recipe,
        detector=detector,
        new_layers=(head,),
        photos=TrainingPhotos(squares.photos, [], [], squares.category_names, augmentation),
        run_folder=run_folder,
        teacher=None,
        evaluate=evaluate,
        loader_workers=0,
    )


class Interrupted(Exception):
    pass


def test_an_interrupted_run_resumes_to_the_same_weights(squares, tmp_path):
    def interrupt(_detector):
        raise Interrupted

    whole = trainer(RECIPE, squares, tmp_path / "whole").run().state_dict()
    with pytest.raises(Interrupted):
        trainer(RECIPE, squares, tmp_path / "resumed", evaluate=interrupt).run()
    resumed = trainer(RECIPE, squares, tmp_path / "resumed").run().state_dict()

    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_a_run_folder_of_another_recipe_is_not_resumed(squares, tmp_path):
    trainer(replace(RECIPE, epochs=1), squares, tmp_path).run()
    with pytest.raises(ValueError, match="another recipe"):
        trainer(RECIPE, squares, tmp_path)


def test_training_stops_at_the_first_loss_that_is_no_number(squares, tmp_path):
    diverging = trainer(RECIPE, squares, tmp_path)
    with torch.no_grad():
        diverging._detector.head.classifiers[0].weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="not finite at step 0"):
        diverging.run()
    assert not (tmp_path / "last.pt").exists()


def test_a_frozen_backbone_stays_bit_identical_while_the_head_learns(squares, tmp_path):
    run = trainer(replace(RECIPE, backbone="frozen", epochs=1), squares, tmp_path)
    before = {name: value.clone() for name, value in run._detector.state_dict().items()}
    trained = run.run().state_dict()
    changed = {name.split(".")[0] for name, value in trained.items() if not torch.equal(value, before[name])}
    assert changed == {"head"}


def test_unfrozen_training_moves_every_layer(squares, tmp_path):
    run = trainer(replace(RECIPE, epochs=1, ema_decay=0.0), squares, tmp_path)
    before = {name: value.clone() for name, value in run._detector.backbone.state_dict().items()}
    run.run()
    after = run._detector.backbone.state_dict()
    assert [name for name, value in after.items() if torch.equal(value, before[name])] == []
