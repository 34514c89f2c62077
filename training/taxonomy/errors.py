"""Errors of `training.taxonomy`.

TaxonomyError
 +-- InvalidTaxonomyError    the categories themselves contradict each other
 +-- TaxonomyFileError       a YAML file cannot be used; the message starts with "file:line: "
 +-- UnknownCategoryError    an id or a name that the taxonomy does not have
 +-- UnmappedLabelError      a dataset's label that its mapping file does not name
"""


class TaxonomyError(ValueError):
    """Base of everything that is wrong with a taxonomy, a mapping file or a question to them."""


class InvalidTaxonomyError(TaxonomyError):
    """Categories that do not form a directed acyclic graph with unique ids and names.

    Attributes:
        position: index of the offending category among those given.
        other_position: index of the category it collides with, if there is one.
    """

    def __init__(self, message: str, *, position: int, other_position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
        self.other_position = other_position


class TaxonomyFileError(TaxonomyError):
    """A taxonomy or mapping file that cannot be used, located by file and line."""


class UnknownCategoryError(TaxonomyError):
    """An id or a name that no category of the taxonomy has."""


class UnmappedLabelError(TaxonomyError):
    """A label of a dataset for which its mapping file names no category."""
