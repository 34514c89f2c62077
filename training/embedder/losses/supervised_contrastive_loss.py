"""Softmax over the batch: each crop is to be told from all others by the crops of its own product."""

import torch
from torch import Tensor

from training.detector.global_batch import sum_over_processes
from training.embedder.losses.gathered import gather_rows


def supervised_contrastive_loss(
    embeddings: Tensor, product_ids: Tensor, places: Tensor, *, temperature: float = 0.08
) -> Tensor:
    """Return minus the mean log probability of the crops of one's own product (Khosla et al. 2020, equation 2).

    It learns no centre of a product, and so also from products that are shown only a few times in a run, such as
    thousands of logos. Crops without another of their product are in the denominators of the others and ask for nothing
    themselves. All crops of all processes are compared.

    `pytorch_metric_learning.losses.SupConLoss` is the same in one process.

    Args:
        embeddings: FP32 or FP64 [N, D], unit length.
        product_ids: INT [N]; a negative one is none, and the crop is left out.
        places: INT [N], of each crop in the whole batch, all different: tells a crop from itself.
        temperature: by which cosines are divided.

    Returns:
        This process's share of the loss over the crops of all processes; 0 where no product has two crops.
    """
    has_product = product_ids >= 0
    own, own_ids, own_places = embeddings[has_product], product_ids[has_product], places[has_product]
    others, other_ids, other_places = gather_rows(own), gather_rows(own_ids), gather_rows(own_places)
    is_itself = own_places[:, None] == other_places
    is_positive = (own_ids[:, None] == other_ids) & ~is_itself
    # A finite number, so that a crop that is alone in the batch has no NaN in its gradient.
    cosines = (own @ others.T / temperature).masked_fill(is_itself, -1e4)
    log_probabilities = torch.log_softmax(cosines, dim=1) if others.numel() else cosines
    num_positives = is_positive.sum(dim=1)
    of_crop = (log_probabilities * is_positive).sum(dim=1) / num_positives.clamp(min=1)
    num_anchors = sum_over_processes((num_positives > 0).sum()).clamp(min=1)
    return -of_crop.sum() / num_anchors
