"""Training runs of an embedder: recipe, supervision, steps, and what is left of a run.

    embedder = load_embedder(Path("runs/embedder_demo"))

Importing it imports torch.
"""

from training.embedder.engine.load_embedder import embedder_spec, load_embedder

__all__ = ["embedder_spec", "load_embedder"]
