"""Errors of `training.data`.

DataError
 +-- ReaderError        a folder or a file that is no data set in a format that we read
 +-- SetOptionsError    what a recipe says of a set cannot be followed
 +-- OracleError        an ONNX graph that cannot be asked for missing labels
"""


class DataError(ValueError):
    """Base of everything that is wrong with photos, their labels, or what is asked of them."""


class ReaderError(DataError):
    """A folder or a file that is no data set in a format that we read; the message names it."""


class SetOptionsError(DataError):
    """Options of a data set that cannot be followed; the message names the set and the option."""


class OracleError(DataError):
    """An ONNX graph that cannot be asked for missing labels, or whose classes have no names."""
