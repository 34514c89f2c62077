"""Batches by quota: exact, balanced, complete, and the same for the same seed and epoch."""

from collections import Counter
from itertools import chain, islice

import pytest

from training.embedder.data.quota_batches import Quota, QuotaBatches

PRODUCTS = {"a": [0, 1, 2], "b": [3], "c": [4, 5], "d": [6, 7, 8, 9]}


def quota(count, images=0, products=PRODUCTS, name="set"):
    return Quota(data_set=name, crops_per_batch=count, crops_of_product=products, images_per_product=images)


def epoch_of(batches, epoch):
    batches.epoch = epoch
    return list(batches)


def product_of(index):
    return next(name for name, crops in PRODUCTS.items() if index in crops)


@pytest.mark.parametrize("images", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 5, 7, 12])
def test_every_batch_is_full(images, count):
    other = quota(3, products={"x": [10, 11]}, name="other")
    batches = QuotaBatches([quota(count, images), other], seed=0)
    assert len(epoch_of(batches, 0)) == len(batches) == max(-(-10 // count), 1)
    for batch in batches:
        assert len([k for k in batch if k < 10]) == count
        assert len([k for k in batch if k >= 10]) == 3


def test_without_products_every_crop_is_shown_once_before_any_comes_again():
    batches = QuotaBatches([quota(3)], seed=0, steps_per_epoch=20)
    shown = list(chain(*epoch_of(batches, 4)))
    for first in range(0, 60, 10):
        assert sorted(shown[first : first + 10]) == list(range(10))


@pytest.mark.parametrize(("count", "images"), [(4, 2), (6, 3), (6, 2)])
def test_products_stand_together_with_their_images_and_equally_often(count, images):
    batches = QuotaBatches([quota(count, images)], seed=0, steps_per_epoch=24)
    of_product: Counter[str] = Counter()
    for batch in epoch_of(batches, 1):
        in_batch = Counter(product_of(k) for k in batch)
        assert all(shown % images == 0 for shown in in_batch.values())
        of_product += in_batch
    assert max(of_product.values()) - min(of_product.values()) <= images


def test_of_a_product_no_crop_comes_again_before_all_others_did():
    batches = QuotaBatches([quota(4, 2)], seed=0, steps_per_epoch=30)
    of_d = [k for k in chain(*epoch_of(batches, 0)) if k in PRODUCTS["d"]]
    assert len(of_d) > 20
    for first in range(0, len(of_d) - 4, 4):
        assert sorted(of_d[first : first + 4]) == PRODUCTS["d"]


def test_the_order_depends_on_seed_and_epoch_alone():
    def drawn(seed, epoch, steps=9):
        return list(islice(epoch_of(QuotaBatches([quota(4, 2)], seed=seed, steps_per_epoch=9), epoch), steps))

    batches = QuotaBatches([quota(4, 2)], seed=0, steps_per_epoch=9)
    epoch_of(batches, 0)
    assert epoch_of(batches, 3) == drawn(0, 3)  # whatever came before
    assert drawn(0, 3) != drawn(0, 2)
    assert drawn(0, 3) != drawn(1, 3)


def test_a_set_s_crops_do_not_depend_on_the_other_sets():
    alone = epoch_of(QuotaBatches([quota(4, 2)], seed=0, steps_per_epoch=5), 0)
    beside = epoch_of(
        QuotaBatches([quota(2, products={"x": [10]}, name="x"), quota(4, 2)], seed=0, steps_per_epoch=5), 0
    )
    assert [[k for k in batch if k < 10] for batch in beside] == alone


def test_a_product_called_like_a_step_of_the_drawing_is_one_like_others():
    products = {"products": [0, 1, 2, 3, 4, 5, 6, 7], "crops": [8, 9]}
    shown = list(chain(*epoch_of(QuotaBatches([quota(4, 2, products)], seed=0, steps_per_epoch=8), 0)))
    assert set(shown) == set(range(10))
