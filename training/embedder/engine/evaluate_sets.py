"""A look at how a run is doing: the figures of `evaluate-embedder`, by cosine, before there is a hasher."""

from collections.abc import Mapping, Sequence

from training.embedder.embedder import Embedder
from training.embedder.engine.recipe import EmbedderRecipe

SHOWN = ("MAP", "P@1")


def evaluate_sets(
    embedder: Embedder, recipe: EmbedderRecipe, held_out: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return the figures of each protocol of the sets of `evaluate_on`.

    Args:
        embedder: in evaluation mode.
        recipe: of the run.
        held_out: products of each set that the run never shows, which are judged apart too.
    """
    # They import this package's `load_embedder`.
    from training.embedder.evaluation.evaluation import evaluate_embedder
    from training.embedder.evaluation.protocol import Protocol
    from training.embedder.evaluation.run_model import RunModel
    from training.embedder.evaluation.set_protocols import protocols_of
    from training.embedder.hashing.sign_binarisation import SignBinarisation

    protocols: list[Protocol] = []
    for name in recipe.evaluate_on:
        protocols += protocols_of(name, held_out=held_out).protocols
    device = next(embedder.parameters()).device
    model = RunModel(
        name=recipe.embedder,
        embedder=embedder,
        hasher=SignBinarisation.fixed(recipe.embedding_dims).to(device),
        crop_px=recipe.crop_px,
        labels_of_head={},
    )
    results = evaluate_embedder(model, protocols).results
    return {result.protocol.name: {name: result.floats.means[name] for name in SHOWN} for result in results}
