"""Errors of `training.embedder.export`.

EmbedderError
 +-- EmbedderExportError    an embedder cannot be exported, or its graph says something else than PyTorch
 +-- OfflineError           photos cannot be embedded with the graphs of a model repository
"""

from training.embedder.errors import EmbedderError


class EmbedderExportError(EmbedderError):
    """An embedder cannot be exported, or its graph differs from PyTorch; what was installed before is untouched."""


class OfflineError(EmbedderError):
    """Photos cannot be embedded with the graphs of a model repository; the message names photo or model."""
