from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.embedder.data import crop_pixels
from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.evaluation.run_model import RunModel
from training.embedder.hashing.hasher import load_hasher, save_hasher, weights_sha256
from training.embedder.hashing.sign_binarisation import SignBinarisation
from training.embedder.trained_run import TrainedRun

HEAD = HeadSpec(name="colour", kind="softmax", labels=("red", "green", "blue"))


def run_in(folder: Path) -> TrainedRun:
    torch.manual_seed(0)
    spec = EmbedderSpec(
        trunk="mobilenet_v1", trunk_from="scratch", crop_px=32, embedding_dims=16, heads=(HEAD,), norms="synchronised"
    )
    embedder = Embedder.build(spec).eval()
    recipe = EmbedderRecipe(
        embedder="toy",
        data_sets={"toys": {"quota": 2, "losses": ["arcface"], "heads": {"colour": "label"}}},
        heads={"colour": "softmax"},
        crop_px=32,
        embedding_dims=16,
    )
    sha256 = weights_sha256(embedder)
    return TrainedRun(folder=folder, recipe=recipe, embedder=embedder, heads=(HEAD,), embedder_sha256=sha256)


def test_a_run_embeds_with_its_own_hasher_and_names_its_labels(tmp_path) -> None:
    run = run_in(tmp_path)
    hasher = SignBinarisation.fixed(16, seed=3)
    save_hasher(tmp_path, hasher, embedder_sha256=run.embedder_sha256, facts={})
    images = [Image.fromarray(np.random.default_rng(k).integers(0, 255, (20, 30, 3), np.uint8)) for k in range(3)]

    found = RunModel.of_run(run).embed(images)

    with torch.inference_mode():
        outputs = run.embedder(torch.stack([crop_pixels(image, 32) for image in images]))
        codes = load_hasher(tmp_path, dims=16)(outputs.embeddings)
    np.testing.assert_array_equal(found.embeddings, outputs.embeddings.numpy())
    np.testing.assert_array_equal(np.unpackbits(found.hashes, axis=1), (codes > 0).numpy())
    assert found.best_labels["colour"] == [HEAD.labels[int(k)] for k in outputs.logits["colour"].argmax(dim=1)]


def test_the_kind_that_a_head_has_learnt_is_the_recipes(tmp_path) -> None:
    assert run_in(tmp_path).kind_per_set() == {"toys": {"colour": "label"}}
