from collections import Counter

import pytest

from training.scorecard.embedder_crops import HELD_OUT_CLASSES, KIND_OF_SET, crops_of_set, held_out_classes


def test_a_fifth_of_the_groceries_is_kept_out_of_training_and_always_the_same(genod_data) -> None:
    train, val = crops_of_set("grocery_store", "train", None), crops_of_set("grocery_store", "val", None)

    of_train = {label for label, out in zip(train.labels, train.is_held_out, strict=True) if out}
    assert of_train == held_out_classes("grocery_store")
    assert len(of_train) == HELD_OUT_CLASSES
    assert {label for label, out in zip(val.labels, val.is_held_out, strict=True) if out} == of_train
    assert (len(train.crops), len(val.crops)) == (486, 162)


def test_boxes_are_large_and_no_class_has_many(genod_data) -> None:
    train = crops_of_set("coco_mini", "train", None)

    assert max(Counter(train.labels).values()) <= 6
    assert not any(train.is_held_out)
    for crop in train.crops:
        assert crop.box_xyxy_px is not None
        x1, y1, x2, y2 = crop.box_xyxy_px
        assert min(x2 - x1, y2 - y1) >= 64


@pytest.mark.parametrize("name", KIND_OF_SET)
def test_a_limit_keeps_whole_classes_so_that_queries_have_answers(name, genod_data) -> None:
    train, val = crops_of_set(name, "train", 80), crops_of_set(name, "val", 80)

    assert 10 <= len(train.crops) <= 110
    assert len(val.crops) >= 10
    assert set(train.labels) & set(val.labels)
