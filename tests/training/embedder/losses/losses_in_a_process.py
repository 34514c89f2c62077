"""All losses of a batch that one process or several share, for `test_two_processes.py`."""

from pathlib import Path

import torch
import torch.distributed
from torch import nn
from torch.nn import functional as F

from training.detector.global_batch import without_contribution
from training.embedder.losses.arcface_loss import arcface_loss
from training.embedder.losses.gathered import gather_rows
from training.embedder.losses.multi_label_softmax_loss import multi_label_softmax_loss
from training.embedder.losses.normalised_softmax_loss import normalised_softmax_loss, sample_classes
from training.embedder.losses.pairwise_double_margin_loss import pairwise_double_margin_loss
from training.embedder.losses.shared_negative_triplet_loss import shared_negative_triplet_loss
from training.embedder.losses.supervised_contrastive_loss import supervised_contrastive_loss
from training.embedder.trunk.synchronised_norm import SynchronisedBatchNorm2d

CROPS, DIMS, CLASSES = 9, 6, 12

LOSSES = [
    "arcface",
    "multi_label_softmax",
    "pairwise",
    "normalised_softmax",
    "contrastive",
    "triplets",
    "triplets_of_products",
    "synchronised_norm",
]

PARTS: dict[str, list[list[int]]] = {
    "even": [[0, 1, 2, 3, 4], [5, 6, 7, 8]],
    "interleaved": [[0, 2, 4, 6, 8], [1, 3, 5, 7]],
    "uneven": [[0, 1, 2, 3, 4, 5, 6, 7], [8]],
    "one without a crop": [[0, 1, 2, 3, 4, 5, 6, 7, 8], []],
    # 4 and 5 have no product, no class and no label: that process has no pair and no query either.
    "one without a label": [[0, 1, 2, 3, 6, 7, 8], [4, 5]],
}


def batch(dtype):
    """One row per crop of everything that the losses want."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    products = torch.tensor([1, 2, 1, 3, -1, -1, 2, 1, 3])
    is_class = torch.rand(CROPS, CLASSES, generator=generator) < 0.3
    is_class[products < 0] = False
    return {
        "embeddings": F.normalize(normal(CROPS, DIMS) + 1.0),
        "positives": F.normalize(normal(CROPS, DIMS) + 0.5),
        "negatives": F.normalize(normal(CROPS, DIMS) + 0.5),
        "logits": normal(CROPS, CLASSES),
        "maps": normal(CROPS, 3, 2, 2) * 3.0 + 100.0,
        "weights_of_maps": normal(CROPS, 3, 2, 2),
        "products": products,
        "places": torch.arange(CROPS),
        "is_class": is_class,
    }


def losses(part, centres, norm):
    """Return this process's share of each loss."""
    products = part["products"]
    sampled = sample_classes(products, num_classes=CLASSES, count=6, generator=torch.Generator().manual_seed(5))
    return {
        "arcface": arcface_loss(part["embeddings"], centres, part["is_class"], scale=8.0),
        "multi_label_softmax": multi_label_softmax_loss(part["logits"], part["is_class"]),
        "pairwise": pairwise_double_margin_loss(part["embeddings"], products, negative_weight=5.0),
        "normalised_softmax": normalised_softmax_loss(
            part["embeddings"], centres, products, temperature=0.5, sampled_classes=sampled
        ),
        "contrastive": supervised_contrastive_loss(part["embeddings"], products, part["places"], temperature=0.5),
        "triplets": shared_negative_triplet_loss(
            part["embeddings"][products >= 0], part["positives"][products >= 0], part["negatives"]
        ),
        "triplets_of_products": shared_negative_triplet_loss(
            part["embeddings"],
            part["positives"],
            part["negatives"],
            margin=0.4,
            query_products=products,
            negative_products=products,
        ),
        "synchronised_norm": (norm(part["maps"]) * part["weights_of_maps"]).square().sum(),
    }


def results(part, dtype, *, counts=1.0):
    """Return shares, times `counts`, and gradients: of rows, which stay here, and of weights, which are summed."""
    found = {}
    for name in LOSSES:
        rows = {
            key: value.clone().requires_grad_() if value.is_floating_point() else value for key, value in part.items()
        }
        centres = torch.randn(CLASSES, DIMS, generator=torch.Generator().manual_seed(9), dtype=torch.float64).to(dtype)
        centres.requires_grad_()
        norm = SynchronisedBatchNorm2d(nn.BatchNorm2d(3)).to(dtype)
        share = losses(rows, centres, norm)[name] * counts
        share.backward()
        of_rows = {key: value.grad for key, value in rows.items() if value.is_floating_point()}
        of_weights = {"centres": centres.grad, "scale": norm.weight.grad, "shift": norm.bias.grad}
        statistics = {"mean": norm.running_mean, "variance": norm.running_var}
        found[name] = {"share": share.detach(), "rows": of_rows, "weights": of_weights, "statistics": statistics}
    return found


def run_one_of_two(rank, folder):
    """Write the results of every way to part the batch to `rank<k>.pt`."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    found: dict[object, object] = {}
    for dtype in (torch.float32, torch.float64):
        for name, parts in PARTS.items():
            part = {key: value[parts[rank]] for key, value in batch(dtype).items()}
            found[name, dtype] = results(part, dtype)
        found["spectator", dtype] = _spectator(rank, dtype)
    found["gathered"] = gather_rows(torch.arange(3 * (rank + 1)).view(-1, 3))
    torch.save(found, Path(folder) / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


def _spectator(rank, dtype):
    """Have the second process look at crops that are not its part, as the engine does where a batch is small."""
    whole = batch(dtype)
    if rank == 0:
        return results(whole, dtype)
    with without_contribution():
        return results({key: value[:3] for key, value in whole.items()}, dtype, counts=0.0)
