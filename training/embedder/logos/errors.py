"""What goes wrong while logos are drawn."""

from training.embedder.errors import EmbedderError


class LogoError(EmbedderError):
    """A vector file, or a folder of them, cannot be drawn."""
