"""recipes/paper/embedder_resnext101.yaml says what GrokNet says, and can be built."""

import pytest
import torch
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from tests.conftest import REPO_ROOT
from training.embedder.embedder import Embedder, HeadSpec
from training.embedder.engine.load_embedder import spec_of
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.trunk import build_trunk


@pytest.fixture(scope="module")
def recipe():
    return EmbedderRecipe.load(REPO_ROOT / "recipes" / "paper" / "embedder_resnext101.yaml")


def test_it_is_the_papers_network_and_optimiser(recipe):
    assert (recipe.trunk, recipe.pooling, recipe.embedding_dims) == ("resnext101_32x4d", "gem", 400)
    assert (recipe.norms, recipe.optimizer, recipe.momentum) == ("synchronised", "sgd", 0.9)
    assert recipe.weight_decay == 1e-4
    assert recipe.epochs * recipe.steps_per_epoch == 100_000


def test_its_losses_are_the_papers(recipe):
    assert (recipe.pairwise_power, recipe.pairwise_negative_weight) == (1.5, 10_000.0)
    assert (recipe.pairwise_positive_margins, recipe.pairwise_negative_margins) == ((0.1, 0.7), (0.0, 0.7))
    assert recipe.arcface_weight == recipe.multi_label_arcface_weight == 10.0
    assert recipe.arcface_classes == 188_000


def test_a_batch_is_one_gpus(recipe):
    quotas = [options.quota for options in recipe.set_options().values()]
    assert sum(quotas) == 46
    assert recipe.learning_rate == pytest.approx(0.012 * sum(quotas) / (8 * 46))


def test_its_spec_builds_an_embedder_that_learns(recipe, monkeypatch):
    """With a block a stage in the place of 33."""
    body = build_trunk._BODIES["resnext101_32x4d"]
    small = build_trunk._Body(
        make=lambda: ResNet(Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4),
        url=body.url,
        trunk_of=body.trunk_of,
    )
    monkeypatch.setattr(build_trunk, "_BODIES", {"resnext101_32x4d": small})
    heads = tuple(HeadSpec(name=name, kind="softmax", labels=("a", "b")) for name in recipe.heads)
    torch.manual_seed(0)
    embedder = Embedder.build(spec_of(recipe, heads, trunk_from="scratch"))
    outputs = embedder(torch.rand(3, 3, 64, 64) * 255)
    assert outputs.embeddings.shape == (3, 400)
    assert set(outputs.logits) == {"coarse", "category", "clothing"}
    loss = outputs.embeddings[:, 0].sum() + sum(logits.sum() for logits in outputs.logits.values())
    gradients = torch.autograd.grad(loss, list(embedder.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)
