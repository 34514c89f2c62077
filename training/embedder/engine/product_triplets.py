"""Triplets where nobody clicked: of each crop, another of the same product, and all crops of other products."""

from torch import Tensor

from training.embedder.losses.gathered import gather_rows
from training.embedder.losses.shared_negative_triplet_loss import shared_negative_triplet_loss


def product_triplet_loss(embeddings: Tensor, product_ids: Tensor, places: Tensor, *, margin: float) -> Tensor:
    """Have each crop nearer to the next one of its product than to any of another product.

    A label stands in for Pailitao's click (section 3.2.1): what shows the same product was clicked, the rest was not.
    Every process takes its own crops as queries and those of all as positives and negatives.

    Args:
        embeddings: FP32 or FP64 [N, D].
        product_ids: INT64 [N]; a negative one is none.
        places: INT64 [N], of each crop in the whole batch, so that which one is next does not depend on who has it.
        margin: delta.

    Returns:
        This process's share of the loss; 0 where no product has two crops.
    """
    has_product = product_ids >= 0
    own, own_ids, own_places = embeddings[has_product], product_ids[has_product], places[has_product]
    of_all, ids_of_all, places_of_all = gather_rows(own), gather_rows(own_ids), gather_rows(own_places)
    is_other_of_same = (own_ids[:, None] == ids_of_all) & (own_places[:, None] != places_of_all)
    is_query = is_other_of_same.any(dim=1)
    after_all = int(places_of_all.max()) + 1 if len(places_of_all) else 1
    steps_ahead = (places_of_all - own_places[:, None]) % after_all
    next_one = steps_ahead.masked_fill(~is_other_of_same, after_all)[is_query]
    positives = of_all[next_one.argmin(dim=1)] if next_one.numel() else of_all[:0]
    return shared_negative_triplet_loss(
        own[is_query],
        positives,
        own,
        margin=margin,
        query_products=own_ids[is_query],
        negative_products=own_ids,
    )
