"""Dataclasses to JSON and back, strictly: a field too many, too few or of another type is an error with its place."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from loadtest.errors import ReportFormatError

ResultT = TypeVar("ResultT")
# Values that JSON has; dataclasses of this package name what they know and leave only free-form facts as this.
JsonObject: TypeAlias = dict[str, Any]


def to_json_value(value: object) -> Any:
    """Return a value of the types that `from_json_value` knows as dicts, lists, numbers and strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(item) for item in value]
    return value


def from_json_value(type_: type[ResultT], value: Any, place: str) -> ResultT:
    """Return parsed JSON as a value of a type.

    Args:
        type_: a dataclass, or any annotation made of dataclasses, tuples, dicts, Literal, unions and scalars.
        value: what `json.loads` returned.
        place: where it stands, for the error.

    Raises:
        ReportFormatError: the value does not have the type.
    """
    return cast(ResultT, _read(type_, value, place))


def _read(type_: Any, value: Any, place: str) -> Any:
    origin, arguments = get_origin(type_), get_args(type_)
    if dataclasses.is_dataclass(type_):
        return _read_dataclass(cast(type, type_), value, place)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _read(inner, value, place)
    if origin is Literal:
        if value not in arguments:
            raise ReportFormatError(f"{place} must be one of {', '.join(map(repr, arguments))}, not {value!r}.")
        return value
    if origin is tuple:
        _expect(list, value, place)
        return tuple(_read(arguments[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        _expect(dict, value, place)
        return {key: _read(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if type_ is Any:
        return value
    if type_ is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _expect(type_, value, place)
    return value


def _read_dataclass(type_: type, value: Any, place: str) -> Any:
    _expect(dict, value, place)
    hints = _hints(type_)
    if missing := sorted(hints.keys() - value.keys()):
        raise ReportFormatError(f"{place} lacks {', '.join(missing)}.")
    if unknown := sorted(value.keys() - hints.keys()):
        raise ReportFormatError(f"{place} has unknown fields: {', '.join(unknown)}.")
    return type_(**{name: _read(hint, value[name], f"{place}.{name}") for name, hint in hints.items()})


@functools.cache
def _hints(type_: type) -> dict[str, Any]:
    return get_type_hints(type_)


def _expect(type_: type, value: Any, place: str) -> None:
    # bool is an int to Python, not to a reader of the report.
    if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
        raise ReportFormatError(f"{place} must be {type_.__name__}, not {value!r:.80}.")
