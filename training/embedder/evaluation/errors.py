"""What can go wrong when an embedder is judged."""

from training.embedder.errors import EmbedderError


class EvaluationError(EmbedderError):
    """Embeddings, labels or sets that cannot be judged; the message says why and what to do."""
