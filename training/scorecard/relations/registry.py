"""All relations, in the order of the scorecard. A new one is a module beside this file and a line here."""

from training.scorecard.errors import ScorecardError
from training.scorecard.relation import Relation
from training.scorecard.relations import (
    binary_hash,
    combined_loss,
    fcos_over_retinanet,
    gem_pooling,
    label_propagation,
    large_pretraining,
    latency,
    merging,
    multi_scale,
    single_product_images,
    tail_sampling,
    unified_embedding,
    unified_over_segments,
)

RELATIONS: tuple[Relation, ...] = (
    fcos_over_retinanet.RELATION,
    label_propagation.RELATION,
    unified_over_segments.RELATION,
    merging.RELATION,
    latency.RELATION,
    tail_sampling.RELATION,
    multi_scale.RELATION,
    single_product_images.RELATION,
    binary_hash.RELATION,
    gem_pooling.RELATION,
    combined_loss.RELATION,
    unified_embedding.RELATION,
    large_pretraining.RELATION,
)


def relations_named(names: list[str] | None, relations: tuple[Relation, ...] = RELATIONS) -> tuple[Relation, ...]:
    """Return the relations with these names, in the order of the scorecard; without names all.

    Raises:
        ScorecardError: a name is not one of them.
    """
    known = [relation.name for relation in relations]
    if unknown := [name for name in names or [] if name not in known]:
        raise ScorecardError(f"no relation {', '.join(unknown)}; there are: {', '.join(known)}")
    return tuple(relation for relation in relations if not names or relation.name in names)
