"""Errors of `training.embedder.hashing`.

EmbedderError
 +-- HashingError
      +-- TooFewEmbeddings    not enough vectors to learn a hash from
      +-- HasherFileError     a hasher.pt that is damaged, or made for other embeddings
"""

from training.embedder.errors import EmbedderError


class HashingError(EmbedderError):
    """Base of everything that keeps embeddings from being hashed."""


class TooFewEmbeddings(HashingError):
    """There are not enough vectors, or they are all the same; the message says how many are needed."""


class HasherFileError(HashingError):
    """A file that holds no hasher, or one for another embedder; the message names it."""
