"""Which set teaches what, and what nobody is ever shown."""

from collections import Counter
from typing import Any

import pytest
import torch

from tests.training.embedder.crop_worlds import paint_products
from tests.training.embedder.engine.crop_runs import one_process, recipe_of
from training.embedder.engine.run import embedder_loop
from training.embedder.engine.supervision import Supervision
from training.embedder.engine.training_data import read_training_data
from training.engine.errors import DataError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    paint_products(folder / "products", products=6, images=3)
    paint_products(folder / "things", products=3, images=4)
    return folder


def sets(world, **of_products: Any) -> dict[str, Any]:
    return {
        f"{world}/products": {"quota": 5, "split": "all", "losses": ["arcface", "pairwise"]} | of_products,
        f"{world}/things": {"quota": 3, "split": "all", "heads": {"colour": "label"}},
    }


def epochs_of(loop, epochs=4):
    return [views for epoch in range(epochs) for views in loop._batches.epoch_views(epoch)]


def test_every_batch_has_each_set_s_quota_exactly(world, tmp_path):
    recipe = recipe_of(world, data_sets=sets(world, images_per_product=2), steps_per_epoch=0)
    loop = embedder_loop(recipe, tmp_path / "run", one_process())
    crops = read_training_data(recipe).crops
    batches = epochs_of(loop)
    assert len(batches) == 4 * 4  # 18 crops by fives, and 12 by threes
    for views in batches:
        assert Counter(crops[view.index].data_set for view in views) == {"products": 5, "things": 3}
        products = Counter(crops[v.index].product for v in views if crops[v.index].data_set == "products")
        assert sorted(products.values()) == [1, 2, 2]  # pairs, as far as five goes


def test_a_set_s_losses_have_gradients_of_its_own_rows_alone(world, tmp_path):
    loop = embedder_loop(recipe_of(world, data_sets=sets(world)), tmp_path / "run", one_process())
    crops = read_training_data(recipe_of(world, data_sets=sets(world))).crops
    batch = loop._loader.next_batch()
    rows: list[Any] = []
    loop._state.module.pooling.register_forward_hook(lambda _m, _i, pooled: rows.append(pooled))
    of_set = [crops[view.index].data_set for view in batch.views]
    assert set(of_set) == {"products", "things"}
    taught_by = {"arcface": "products", "pairwise": "products", "head_colour": "things"}
    terms = loop._losses.of_batch(batch)
    assert terms.keys() == taught_by.keys()
    rows[-1].retain_grad()
    for name, term in terms.items():
        rows[-1].grad = None
        term.backward(retain_graph=True)
        moves = rows[-1].grad.abs().sum(dim=1) > 0
        assert [bool(m) for m in moves] == [data_set == taught_by[name] for data_set in of_set], name


@pytest.mark.parametrize("option", [{"held_out_products": ["red", "cyan"]}, {"held_out_share": 0.34}])
def test_products_that_are_held_out_are_never_drawn(world, tmp_path, option):
    recipe = recipe_of(world, data_sets=sets(world, **option))
    data = read_training_data(recipe)
    held_out = data.held_out["products"]
    assert len(held_out) == 2
    loop = embedder_loop(recipe, tmp_path / "run", one_process())
    shown = {data.crops[v.index].product for views in epochs_of(loop) for v in views if v.index < 12}
    assert len(shown) == 4
    assert shown.isdisjoint(held_out)
    supervision = Supervision(recipe, data)
    assert supervision.num_centres["arcface"] == 4
    assert not any(
        name.endswith(f"/{product}") for name in supervision.embedding["arcface"].names for product in held_out
    )
    assert read_training_data(recipe).held_out == data.held_out


def test_an_unknown_product_to_hold_out_is_named(world):
    with pytest.raises(DataError, match="held_out_products: there is no pink"):
        read_training_data(recipe_of(world, data_sets=sets(world, held_out_products=["pink"])))


def test_arcface_takes_the_products_with_the_most_crops_and_leaves_the_rest_to_the_other_losses(world, tmp_path):
    paint_products(tmp_path / "many", products=2, images=4)
    values = sets(world) | {f"{tmp_path}/many": {"quota": 2, "split": "all", "losses": ["arcface", "pairwise"]}}
    recipe = recipe_of(world, data_sets=values, arcface_classes=2)
    data = read_training_data(recipe)
    supervision = Supervision(recipe, data)
    assert supervision.embedding["arcface"].names == ("many/green", "many/red")
    assert len(supervision.embedding["pairwise"].names) == 8  # red of one set is not red of the other
    is_class = supervision.is_label(
        supervision.embedding["arcface"], [*range(len(data.crops)), None], torch.device("cpu")
    )
    assert is_class.any(dim=1).tolist() == [*(crop.data_set == "many" for crop in data.crops), False]


def test_at_most_so_many_crops_are_drawn_once(world):
    recipe = recipe_of(world, data_sets=sets(world, max_images=7))
    data = read_training_data(recipe)
    assert Counter(crop.data_set for crop in data.crops) == {"products": 7, "things": 12}
    assert data.crops == read_training_data(recipe).crops


def test_a_kind_of_label_that_nobody_gave_is_an_error(world):
    values = sets(world)
    values[f"{world}/things"] = {"quota": 3, "split": "all", "heads": {"colour": "shape"}}
    with pytest.raises(DataError, match="no crop is left"):
        read_training_data(recipe_of(world, data_sets=values))
