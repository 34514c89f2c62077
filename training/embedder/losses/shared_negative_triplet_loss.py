"""Pailitao's triplets, with the negatives of all queries shared."""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.detector.global_batch import sum_over_processes
from training.embedder.losses.gathered import gather_rows


def shared_negative_triplet_loss(
    queries: Tensor,
    positives: Tensor,
    negatives: Tensor,
    *,
    margin: float = 0.1,
    query_products: Tensor | None = None,
    negative_products: Tensor | None = None,
) -> Tensor:
    """Have each query nearer to its positive than to any negative of the batch (Pailitao, equations 1 and 4).

    Every negative of every process makes a triplet with every query. The loss is the mean over the queries Q that have
    a triplet above 0, and of each query over its triplets N_q above 0: a query with many violations counts no more
    than one with a single one. L2 is the distance, not its square, of features of unit length.

    `pytorch_metric_learning.losses.TripletMarginLoss` averages over triplets.

    M = queries, K = negatives, D = dimensions.

    Args:
        queries: FP32 or FP64 [M, D], of any length above 0.
        positives: [M, D], of each query the image that was clicked (`click_positives`).
        negatives: [K, D] (`click_negatives`).
        margin: delta.
        query_products: INT [M]; with `negative_products` keeps a negative from queries of the same product, which
            sharing would otherwise set against its own kind. A negative number is no product.
        negative_products: INT [K].

    Returns:
        This process's share of the loss over the queries of all processes; 0 without any triplet above 0.

    Raises:
        ValueError: products are given of one side alone.
    """
    if (query_products is None) != (negative_products is None):
        raise ValueError("query_products and negative_products must be given together, or neither")
    queries = F.normalize(queries)
    shared = gather_rows(F.normalize(negatives))
    to_positive: Tensor = torch.linalg.vector_norm(queries - F.normalize(positives), dim=1)
    # Not by products of matrices, whose rounding near 0 the root would magnify.
    to_negatives = torch.cdist(queries, shared, compute_mode="donot_use_mm_for_euclid_dist")
    violations = to_positive[:, None] - to_negatives + margin
    counts = violations > 0
    if query_products is not None and negative_products is not None:
        is_same = query_products[:, None] == gather_rows(negative_products)
        counts = counts & ~(is_same & (query_products >= 0)[:, None])
    per_query = violations.masked_fill(~counts, 0.0).sum(dim=1) / counts.sum(dim=1).clamp(min=1)
    return per_query.sum() / sum_over_processes(counts.any(dim=1).sum()).clamp(min=1)
