"""A run folder of an embedder that was never trained, with the set that its recipe names: for what follows training."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.embedder.engine.run_labels import RunLabels
from training.engine.checkpoint import save_checkpoint

PRODUCTS = ("apple", "banana", "cherry", "milk")
COLOURS = ((200, 40, 40), (220, 200, 40), (120, 10, 60), (240, 240, 240))
CROP_PX = 32


def write_tiny_run(folder: Path, *, per_product: int = 6) -> Path:
    """Write `folder`/goods, its photos, and `folder`/run; return the run's folder."""
    goods, run = folder / "goods", folder / "run"
    random = np.random.default_rng(0)
    for split, count in (("train", per_product), ("val", max(per_product // 2, 2))):
        for product, colour in zip(PRODUCTS, COLOURS, strict=True):
            place = goods / split / product
            place.mkdir(parents=True)
            for k in range(count):
                photo(colour, random).save(place / f"{k}.png")
    run.mkdir()
    (run / "recipe.yaml").write_text(
        f"embedder: tiny\ntrunk_from: scratch\ncrop_px: {CROP_PX}\nembedding_dims: 24\n"
        "heads: {label: softmax}\n"
        f"data_sets:\n  {goods}: {{quota: 4, losses: [pairwise], heads: [label]}}\n"
    )
    head = HeadSpec(name="label", kind="softmax", labels=PRODUCTS)
    RunLabels(heads=(head,), classes={}, held_out={"goods": ()}).write(run)
    torch.manual_seed(0)
    spec = EmbedderSpec(
        trunk="mobilenet_v1", trunk_from="scratch", crop_px=CROP_PX, embedding_dims=24, heads=(head,), pooling="gem"
    )
    save_checkpoint(run / "last.pt", {"averaged": Embedder.build(spec).state_dict()})
    return run


def photo(colour: tuple[int, int, int], random: np.random.Generator, *, size_px: int = 40) -> Image.Image:
    """A noisy patch of one colour."""
    pixels = np.array(colour) + random.normal(0, 25, (size_px, size_px, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
