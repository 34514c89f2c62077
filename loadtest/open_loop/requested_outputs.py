"""Which outputs of a model are asked for: Triton skips the steps of an ensemble whose outputs nobody wants."""

from __future__ import annotations

from collections.abc import Mapping

from genod_client import GenODError, UnexpectedResponseError
from genod_client.answer import OUTPUTS
from genod_client.embedder_answer import VISUAL_SEARCH_OUTPUTS
from genod_client.tensors import Tensor


def is_visual_search(model: str) -> bool:
    """Whether a model is `visual_search`, or one of its kind for an audience, such as `visual_search_generic`."""
    return model == "visual_search" or model.startswith("visual_search_")


def outputs_of(model: str) -> tuple[str, ...]:
    """Return what a caller of a model asks for: of `visual_search` the hashes too, or its embedder would not run."""
    return VISUAL_SEARCH_OUTPUTS if is_visual_search(model) else OUTPUTS


def missing_output_error(model: str, tensors: Mapping[str, Tensor]) -> GenODError | None:
    """Return the error for an answer without some of these outputs; None for a complete one."""
    if missing := [name for name in outputs_of(model) if name not in tensors]:
        return UnexpectedResponseError(f"The answer lacks the outputs {missing}; it has {sorted(tensors)}.")
    return None
