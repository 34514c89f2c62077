import dataclasses

import pytest
import torch
from torch import nn

from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.embedder.errors import EmbedderError
from training.embedder.trunk.average_pooling import AveragePooling
from training.embedder.trunk.gem_pooling import GeMPooling
from training.embedder.trunk.trunk import Trunk

HEADS = (
    HeadSpec(name="coarse", kind="softmax", labels=("fruit", "milk", "juice")),
    HeadSpec(name="colours", kind="multi_label_softmax", labels=("red", "green")),
)
SPEC = EmbedderSpec(trunk="mobilenet_v1", trunk_from="scratch", crop_px=64, heads=HEADS)


class TinyTrunk(Trunk):
    def __init__(self):
        super().__init__(out_channels=6)
        self.conv = nn.Conv2d(3, 6, 4, stride=4)

    def features(self, images):
        return self.conv(images).relu()

    def parts_in_order(self):
        return [self.conv]


@pytest.fixture
def embedder():
    torch.manual_seed(0)
    return Embedder(trunk=TinyTrunk(), pooling=GeMPooling(), embedding_dims=400, num_labels={"coarse": 3, "colours": 2})


def pixels(count, size=16):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255


def test_crops_become_unit_vectors_pooled_features_and_logits(embedder):
    outputs = embedder(pixels(5))
    assert outputs.embeddings.shape == (5, 400)
    torch.testing.assert_close(outputs.embeddings.norm(dim=1), torch.ones(5))
    assert outputs.pooled.shape == (5, 6)
    assert {name: logits.shape for name, logits in outputs.logits.items()} == {"coarse": (5, 3), "colours": (5, 2)}
    assert outputs.embeddings.dtype == outputs.pooled.dtype == outputs.logits["coarse"].dtype == torch.float32


def test_nothing_stands_behind_the_embedding_but_the_norm(embedder):
    outputs = embedder(pixels(3))
    direct = embedder.embedding(outputs.pooled)
    torch.testing.assert_close(outputs.embeddings, direct / direct.norm(dim=1, keepdim=True))
    torch.testing.assert_close(outputs.logits["coarse"], embedder.heads["coarse"](outputs.pooled))
    torch.testing.assert_close(outputs.pooled, embedder.pooling(embedder.trunk(pixels(3))))


def test_a_crops_result_does_not_depend_on_the_batch(embedder):
    together = embedder(pixels(4))
    for k, crop in enumerate(pixels(4)):
        alone = embedder(crop[None])
        torch.testing.assert_close(alone.embeddings[0], together.embeddings[k])
        torch.testing.assert_close(alone.logits["coarse"][0], together.logits["coarse"][k])


def test_without_crops_and_without_heads_it_answers_all_the_same():
    embedder = Embedder(trunk=TinyTrunk(), pooling=AveragePooling(), embedding_dims=8, num_labels={})
    outputs = embedder(pixels(0))
    assert outputs.embeddings.shape == (0, 8)
    assert outputs.logits == {}


def test_in_mixed_precision_the_outputs_are_fp32_and_of_unit_length(embedder):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = embedder(pixels(3))
    assert outputs.embeddings.dtype == outputs.pooled.dtype == outputs.logits["colours"].dtype == torch.float32
    torch.testing.assert_close(outputs.embeddings.norm(dim=1), torch.ones(3))


def test_in_fp64_everything_is_fp64(embedder):
    outputs = embedder.double()(pixels(2).double())
    assert outputs.embeddings.dtype == outputs.pooled.dtype == outputs.logits["coarse"].dtype == torch.float64


def test_every_part_learns(embedder):
    outputs = embedder(pixels(4))
    (outputs.embeddings[:, 0].sum() + sum(logits.sum() for logits in outputs.logits.values())).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in embedder.parameters())


def test_a_spec_is_built():
    torch.manual_seed(0)
    embedder = Embedder.build(SPEC).eval()
    assert isinstance(embedder.pooling, GeMPooling)
    assert isinstance(embedder.embedding, nn.Linear)
    assert (embedder.embedding.in_features, embedder.embedding.out_features) == (768, 400)
    assert {name: head.out_features for name, head in embedder.heads.items()} == {"coarse": 3, "colours": 2}
    with torch.inference_mode():
        assert embedder(pixels(1, 64)).embeddings.isfinite().all()


def test_average_pooling_and_other_dimensions_are_built():
    embedder = Embedder.build(dataclasses.replace(SPEC, pooling="average", embedding_dims=16, heads=()))
    assert isinstance(embedder.pooling, AveragePooling)
    assert embedder.embedding.out_features == 16


def test_the_same_seed_builds_the_same_embedder():
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(Embedder.build(SPEC).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trunk": "vgg"}, "trunk must be one of mobilenet_v1, resnet50, resnext101_32x4d, vit_b_16, got 'vgg'"),
        ({"pooling": "max"}, "pooling must be one of gem, average, got 'max'"),
        ({"norms": "batch"}, "norms must be one of frozen, synchronised, got 'batch'"),
        ({"crop_px": 100}, "crop_px must be a multiple of 32 for mobilenet_v1, got 100"),
        ({"crop_px": 0}, "crop_px must be a multiple of 32"),
        ({"trunk": "vit_b_16", "crop_px": 40}, "crop_px must be a multiple of 16 for vit_b_16, got 40"),
        ({"trunk": "vit_b_16"}, "vit_b_16's class token is pooled already; say pooling: average"),
        ({"trunk": "vit_b_16", "pooling": "average", "norms": "synchronised"}, "say norms: frozen"),
        ({"embedding_dims": 0}, "embedding_dims must be 1 or more, got 0"),
        ({"heads": HEADS + HEADS[:1]}, "two heads are called coarse; rename one"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(EmbedderError, match=message):
        dataclasses.replace(SPEC, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Fine class"}, "small letters, digits and _, a letter first, got 'Fine class'"),
        ({"name": "a.b"}, "a head's name must be"),
        ({"name": "type"}, "a head cannot be called type, which has a meaning in PyTorch"),
        ({"kind": "sigmoid"}, "head x: kind must be one of softmax, multi_label_softmax, got 'sigmoid'"),
        ({"labels": ()}, "head x must have one label or more"),
        ({"labels": ("a", "b", "a")}, "head x has the label 'a' more than once"),
    ],
)
def test_a_head_that_makes_no_sense_is_refused(changes, message):
    head = {"name": "x", "kind": "softmax", "labels": ("a", "b")}
    with pytest.raises(EmbedderError, match=message):
        HeadSpec(**(head | changes))
