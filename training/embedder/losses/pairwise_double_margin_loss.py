"""GrokNet's loss over all pairs of products."""

import torch
from torch import Tensor

from training.detector.global_batch import sum_over_processes
from training.embedder.losses.gathered import gather_rows

Margins = tuple[float, float]


def pairwise_double_margin_loss(
    embeddings: Tensor,
    product_ids: Tensor,
    *,
    power: float = 1.5,
    positive_margins: Margins = (0.1, 0.7),
    negative_margins: Margins = (0.0, 0.7),
    negative_weight: float = 10_000.0,
) -> Tensor:
    """Pull crops of one product together and others apart, but not outliers (GrokNet, equation of section 3.3.3).

    All B^2 pairs of the B crops with a product count, across processes (section 3.3.4): every process compares its own
    crops with all. A crop and itself are one of the pairs, as N_p + N_n = B^2 says: at distance 0 it costs nothing, but
    it counts in N_p. The defaults are the paper's.

    `pytorch_metric_learning.losses.ContrastiveLoss` has one margin a side, no power, no weight, and divides by the
    pairs that are not 0.

    Args:
        embeddings: FP32 or FP64 [N, D], unit length.
        product_ids: INT [N]; a negative one is none, and the crop contributes nothing.
        power: alpha; above 1 harder pairs pull harder.
        positive_margins: m_p1, m_p2; squared distances of equal products between which the loss grows.
        negative_margins: m_n1, m_n2; of different products, between which it shrinks.
        negative_weight: w_n.

    Returns:
        This process's share of the loss over the pairs of all processes; 0 without any.

    Raises:
        ValueError: the margins are in no order, the power is below 1, or the shapes do not agree.
    """
    if product_ids.shape != embeddings.shape[:1]:
        raise ValueError(f"product_ids must be [N] = [{len(embeddings)}], got {list(product_ids.shape)}")
    if power < 1.0:
        raise ValueError(f"power must be 1 or more, below which the gradient of the easiest pairs is infinite: {power}")
    for name, (low, high) in {"positive_margins": positive_margins, "negative_margins": negative_margins}.items():
        if not 0.0 <= low < high:
            raise ValueError(f"{name} must be (low, high) with 0 <= low < high, got ({low}, {high})")
    has_product = product_ids >= 0
    own, own_ids = embeddings[has_product], product_ids[has_product]
    others, other_ids = gather_rows(own), gather_rows(own_ids)
    distances = _squared_distances(own, others)
    is_positive = own_ids[:, None] == other_ids
    positives = _clamped(distances - positive_margins[0], positive_margins)[is_positive] ** power
    negatives = _clamped(negative_margins[1] - distances, negative_margins)[~is_positive] ** power
    # Counted as integers: B^2 soon has more digits than FP32.
    num_positives = sum_over_processes(is_positive.sum()).clamp(min=1)
    num_negatives = sum_over_processes((~is_positive).sum()).clamp(min=1)
    share = positives.sum() / num_positives + negative_weight * negatives.sum() / num_negatives
    return share / power


def _squared_distances(rows: Tensor, columns: Tensor) -> Tensor:
    return rows.square().sum(dim=1)[:, None] + columns.square().sum(dim=1) - 2.0 * rows @ columns.T


def _clamped(beyond_margin: Tensor, margins: Margins) -> Tensor:
    return torch.clamp(beyond_margin, 0.0, margins[1] - margins[0])
