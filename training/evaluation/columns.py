"""Columns of numbers out of lists of JSON records: fast when all is well, precise about the record that is not."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Record = Mapping[str, Any]


def column_of_boxes(records: Sequence[Record], fail: Callable[[int, str], Exception]) -> npt.NDArray[np.float64]:
    """Return `bbox` of each record, FP64 [N, 4]: x, y, width, height in pixels, width and height >= 0.

    Args:
        records: annotations or results.
        fail: makes the error for a record's index and what is wrong with it.
    """
    try:
        boxes = np.array([record["bbox"] for record in records]).reshape(len(records), 4)
    except (KeyError, TypeError, ValueError):
        boxes = np.array([None])
    if boxes.dtype.kind in "iuf" or not len(records):
        boxes = boxes.astype(np.float64)
    else:  # something is no number, or only looks like one
        boxes = np.array([_box(record, index, fail) for index, record in enumerate(records)])
    wrong = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] < 0).any(axis=1)
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise fail(
            index, f"bbox must be finite [x, y, width >= 0, height >= 0] in pixels, got {_shown(records[index])}"
        )
    return boxes


def column_of_numbers(
    records: Sequence[Record], key: str, fail: Callable[[int, str], Exception]
) -> npt.NDArray[np.float64]:
    """Return a field that every record must have as a finite number, FP64 [N]."""
    values = [record.get(key) for record in records]
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise fail(index, f"{key} must be a finite number, got {value!r}")
    return np.array(values, np.float64)


def column_of_indices(
    records: Sequence[Record],
    key: str,
    index_of_id: Mapping[Any, int],
    what: str,
    fail: Callable[[int, str], Exception],
) -> npt.NDArray[np.int64]:
    """Return the positions of the images or categories that the records name, INT64 [N].

    Args:
        records: annotations or results.
        key: `image_id` or `category_id`.
        index_of_id: position of each id that there is.
        what: how to call one in a message.
        fail: makes the error for a record's index and what is wrong with it.
    """
    try:
        return np.array([index_of_id[record[key]] for record in records], np.int64)
    except (KeyError, TypeError):
        pass
    for index, record in enumerate(records):
        if key not in record:
            raise fail(index, f"it has no {key}")
        if not is_known(record[key], index_of_id):
            raise fail(index, f"{key} {record[key]!r} is no {what} of the ground truth")
    raise AssertionError("unreachable: one of the records had to be at fault")


def is_known(value: object, ids: Mapping[Any, int]) -> bool:
    """Whether an id exists; what cannot be one, such as a list, does not."""
    try:
        return value in ids
    except TypeError:
        return False


def _box(record: Record, index: int, fail: Callable[[int, str], Exception]) -> list[float]:
    box = record.get("bbox")
    numbers = isinstance(box, list | tuple) and len(box) == 4
    if not numbers or any(isinstance(v, bool) or not isinstance(v, int | float) for v in box or ()):
        raise fail(index, f"bbox must be four numbers [x, y, width, height], got {_shown(record)}")
    return [float(value) for value in box or ()]


def _shown(record: Record) -> str:
    text = repr(record.get("bbox"))
    return text if len(text) <= 80 else text[:77] + "..."
