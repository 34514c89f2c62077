"""What fusing an ensemble refuses."""

from ensembles.errors import EnsemblesError


class CannotFuse(EnsemblesError):
    """The ensemble's models cannot be one graph, or there is no place to write it to."""
