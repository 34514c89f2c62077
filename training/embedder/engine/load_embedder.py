"""What is left of a run: its embedder, ready to be asked."""

from pathlib import Path

from training.embedder.embedder import Embedder, EmbedderSpec, HeadSpec
from training.embedder.engine.learning_embedder import CENTRES
from training.embedder.engine.recipe import EmbedderRecipe
from training.embedder.engine.run_labels import RunLabels
from training.embedder.errors import EmbedderError
from training.engine.checkpoint import load_newest


def load_embedder(run_folder: Path) -> Embedder:
    """Return a run's embedder with averaged weights, in evaluation mode, on the processor.

    Raises:
        EmbedderError: the folder holds no run of an embedder.
        CheckpointError: its checkpoints are damaged.
    """
    spec = embedder_spec(run_folder)
    found = load_newest(run_folder)
    if found is None:
        raise EmbedderError(f"{run_folder} has no checkpoint yet; train its recipe first")
    _, state = found
    embedder = Embedder.build(spec)
    averaged = {name: value for name, value in state["averaged"].items() if not name.startswith(CENTRES)}
    embedder.load_state_dict(averaged)
    return embedder.eval().requires_grad_(False)


def embedder_spec(run_folder: Path) -> EmbedderSpec:
    """Return what a run's embedder is made of, its weights aside: nothing is fetched to build it.

    Raises:
        EmbedderError: the folder holds no run of an embedder.
    """
    recipe_path = run_folder / "recipe.yaml"
    if not recipe_path.is_file():
        raise EmbedderError(f"{run_folder} is no run folder: it has no recipe.yaml; train a recipe first")
    return spec_of(EmbedderRecipe.load(recipe_path), RunLabels.read(run_folder).heads, trunk_from="scratch")


def spec_of(recipe: EmbedderRecipe, heads: tuple[HeadSpec, ...], *, trunk_from: str) -> EmbedderSpec:
    """Return what a recipe's embedder is made of."""
    return EmbedderSpec(
        trunk=recipe.trunk,
        trunk_from=trunk_from,
        crop_px=recipe.crop_px,
        pooling=recipe.pooling,
        embedding_dims=recipe.embedding_dims,
        heads=heads,
        norms=recipe.norms,
    )
