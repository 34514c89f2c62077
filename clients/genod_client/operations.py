"""What can be asked of a server, free of any protocol: the words between our logic and a transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from genod_client.tensors import Tensor

ReplyT = TypeVar("ReplyT")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on the server.

    Attributes:
        name: its name.
        version: its version; empty lets the server choose, which takes the newest.
    """

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Operation(Generic[ReplyT]):
    """Something to ask of a model. The type parameter is the type of the reply."""

    model: ModelRef


@dataclass(frozen=True, slots=True)
class InferReply:
    """The outputs of a model, and the version of it which made them."""

    model_version: str
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Infer(Operation[InferReply]):
    """Run a model whose first input is the BYTES tensor `image` of shape [1, 1].

    Attributes:
        image: the bytes of an image file.
        outputs: names of the outputs to return; none stands for all. Triton skips the steps of an ensemble
            whose outputs nobody wants.
        more_inputs: the other inputs, by name.
    """

    image: bytes
    outputs: tuple[str, ...]
    more_inputs: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadParameters(Operation[Mapping[str, str]]):
    """Read the `parameters` of a model's configuration."""


@dataclass(frozen=True, slots=True)
class CheckReady(Operation[bool]):
    """Ask whether a model is loaded and may be called."""


@dataclass(frozen=True, slots=True)
class ListModels(Operation[tuple[str, ...]]):
    """Ask for the names of all models that the server can run now; `model` is the one that was missed."""
