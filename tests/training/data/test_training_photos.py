"""What a step sees: one orientation a batch, an order that depends on seed and epoch alone, labels as they count."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import LabelledPhoto
from training.data.training_photos import OrientationBatches, TrainingPhotos


def photo(folder: Path, name: str, size: tuple[int, int], labels: tuple[str, ...] = ()) -> LabelledPhoto:
    pixels = np.random.default_rng(len(name)).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / f"{name}.png")
    boxes = torch.tensor([[10.0, 10.0, 50.0, 50.0]]).repeat(len(labels), 1).reshape(-1, 4)
    return LabelledPhoto(folder / f"{name}.png", 1, *size, boxes, labels)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    labelled = [photo(folder, f"labelled{k}", (80, 60) if k % 2 else (60, 80), ("cat",)) for k in range(6)]
    negatives = [photo(folder, f"negative{k}", (80, 60), ("dog",)) for k in range(10)]
    unlabelled = [photo(folder, "unlabelled", (60, 80), ("cat",))]
    augmentation = CanvasAugmentation(shorter_side_range_px=(400, 400))
    return TrainingPhotos(labelled, negatives, unlabelled, ["cat"], augmentation)


def test_a_batch_has_one_orientation_and_an_epoch_shows_every_photo_once(photos):
    batches = list(OrientationBatches(photos, batch_size=4, seed=0))
    assert sorted(k for batch in batches for k in batch) == list(range(17))
    assert all(len({photos.is_landscape(k) for k in batch}) == 1 for batch in batches)
    assert len(batches) == len(OrientationBatches(photos, batch_size=4, seed=0))


def test_the_order_depends_on_seed_and_epoch_alone(photos):
    def order(seed, epoch):
        batches = OrientationBatches(photos, batch_size=4, seed=seed)
        batches.epoch = epoch
        return list(batches)

    assert order(3, 5) == order(3, 5)
    assert order(3, 5) != order(3, 6)
    assert order(3, 5) != order(4, 5)


def test_a_share_of_the_negatives_is_drawn_anew_for_each_epoch_and_nothing_else_is_left_out(photos):
    batches = OrientationBatches(photos, batch_size=4, seed=0, negatives_share=0.3)
    drawn_per_epoch = []
    for epoch in range(4):
        batches.epoch = epoch
        shown = {k for batch in batches for k in batch}
        assert shown >= set(range(6)) | {16}
        drawn_per_epoch.append(frozenset(shown & set(photos.negative_indices)))
        assert len(list(batches)) == len(batches)
    assert {len(drawn) for drawn in drawn_per_epoch} == {3}
    assert len(set(drawn_per_epoch)) > 1


def test_boxes_count_where_the_set_is_labelled_for_the_head_and_nowhere_else(photos):
    labelled, negative, unlabelled = photos[0], photos[6], photos[16]
    assert labelled.class_indices.tolist() == [0]
    assert labelled.is_labelled
    assert negative.class_indices.tolist() == []  # a dog is background to a head of cats
    assert negative.is_labelled
    assert unlabelled.class_indices.tolist() == []
    assert not unlabelled.is_labelled


def test_boxes_follow_the_photo_onto_the_canvas(photos):
    sample = photos[1]  # 80 x 60 at shorter side 400: 533 x 400, cropped or padded to 672 x 416
    assert sample.pixels.shape == (416, 672, 3)
    x1, y1, x2, y2 = sample.boxes[0].tolist()
    side = 40 / 60 * 400
    assert (x2 - x1, y2 - y1) == pytest.approx((side, side), abs=1.5)
    assert 0 <= x1 < x2 <= 672
    assert 0 <= y1 < y2 <= 416


def test_only_what_a_photo_s_data_set_annotates_is_known(tmp_path):
    whole = photo(tmp_path, "whole", (80, 60), ("cat",))
    part = replace(photo(tmp_path, "part", (80, 60), ("dog",)), annotated_labels=frozenset({"dog", "other: car"}))
    augmentation = CanvasAugmentation(shorter_side_range_px=(400, 400))
    photos = TrainingPhotos([whole, part], [], [], ["cat", "dog"], augmentation)
    assert photos[0].class_is_known.tolist() == [True, True]
    assert photos[1].class_is_known.tolist() == [False, True]
