"""Errors of `training.embedder`.

EmbedderError
└── TrunkError    the weights that a trunk is to start from are missing, or do not fit
"""


class EmbedderError(ValueError):
    """Base of what is wrong with an embedder or with what it is given; the message says what to do next."""


class TrunkError(EmbedderError):
    """The weights that a trunk is to start from are missing, or do not fit."""
