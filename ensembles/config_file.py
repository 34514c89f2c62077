"""Reading and writing config.pbtxt with Triton's own protobuf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message
from tritonclient.grpc import model_config_pb2
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.errors import ConfigUnreadable
from ensembles.problem import Problem


def read_config(path: Path, model: str) -> ModelConfig:
    """Parse one config as Triton would.

    Args:
        path: a config.pbtxt or configs/<target>.pbtxt.
        model: name of the model, for the error.

    Raises:
        ConfigUnreadable: the file is missing, is no text of ModelConfig, or gives one key of a map twice.
            Triton lets the last one win without a word; in an `input_map` that is a tensor connected to
            another place than the reader believes.
    """
    if not path.is_file():
        raise ConfigUnreadable([_missing_config(path, model)])
    try:
        text = path.read_text(encoding="utf-8")
        config = text_format.Parse(text, ModelConfig())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigUnreadable(
            [
                Problem(
                    rule="config-unreadable",
                    file=path,
                    model=model,
                    expected="text of Triton's protobuf message ModelConfig",
                    received=str(error),
                    advice="correct the place named by line:column; model_config.proto lists all fields",
                )
            ]
        ) from error
    repeated_keys = [
        Problem(
            rule="map-key-twice",
            file=path,
            model=model,
            tensor=key if place.endswith(("input_map", "output_map")) else None,
            expected=f"every key of {place} once",
            received=f"{key!r} {count} times",
            advice="remove all but one; Triton would silently take the last",
        )
        for place, key, count in _repeated_map_keys(text)
    ]
    if repeated_keys:
        raise ConfigUnreadable(repeated_keys)
    return config


def format_config(config: ModelConfig) -> str:
    """Text of a config; equal messages give equal text, on any machine.

    Workaround (cause: proto3 text omits a field that has its default): `max_batch_size: 0` vanishes when a
    message is written, but Triton treats a missing one as a request to auto-complete it, so it is written by
    hand.
    """
    text: str = text_format.MessageToString(config, use_short_repeated_primitives=True)
    if config.max_batch_size == 0:
        name_line, separator, rest = text.partition("\n")
        text = f"{name_line}{separator}max_batch_size: 0\n{rest}"
    return text


def type_name(data_type: int) -> str:
    """`FP32` of the enum value TYPE_FP32."""
    name: str = model_config_pb2.DataType.Name(data_type)
    return name.removeprefix("TYPE_")


def _missing_config(path: Path, model: str) -> Problem:
    return Problem(
        rule="config-missing",
        file=path,
        model=model,
        expected="a config.pbtxt in every sub-folder, since Triton takes each for a model",
        received="no such file",
        advice=f"write it, or remove the folder {path.parent} if it is no model",
    )


def _repeated_map_keys(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield (place, key, count) for each key that stands more than once in one map of `text`."""
    yield from _repeated_entries(text_format.Parse(text, _config_class_with_maps_as_lists()()), place="")


@cache
def _config_class_with_maps_as_lists() -> type[Message]:
    """ModelConfig in which a map is a list of its entries, so that a repeated key survives parsing."""
    file = descriptor_pb2.FileDescriptorProto()
    model_config_pb2.DESCRIPTOR.CopyToProto(file)
    _unmark_maps(file.message_type)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    name: str = ModelConfig.DESCRIPTOR.full_name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))  # type: ignore[no-untyped-call]


def _unmark_maps(messages: Iterable[descriptor_pb2.DescriptorProto]) -> None:
    for message in messages:
        message.options.ClearField("map_entry")
        _unmark_maps(message.nested_type)


def _repeated_entries(message: Any, place: str) -> Iterator[tuple[str, str, int]]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.name.endswith("Entry"):
            counts = Counter(str(entry.key) for entry in value)
            yield from ((place + field.name, key, count) for key, count in counts.items() if count > 1)
        children: list[Any] = [value] if isinstance(value, Message) else list(value)
        for index, child in enumerate(children):
            position = "" if isinstance(value, Message) else f"[{index}]"
            yield from _repeated_entries(child, f"{place}{field.name}{position}.")
