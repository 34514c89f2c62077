"""What an ensemble says about its embedder, in the parameters of its configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from genod_client.errors import UnexpectedResponseError
from genod_client.taxonomy import NO_CLASSES, Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderDescription:
    """The names and the version behind the numbers of one version of an ensemble.

    Attributes:
        embedder_version: id of the embedder's weights.
        labels_of_head: label names of each head of the embedder; the place of a name is its id.
        taxonomy: the classes of the detections; without any where the ensemble detects nothing.
    """

    embedder_version: str
    labels_of_head: Mapping[str, tuple[str, ...]]
    taxonomy: Taxonomy

    @classmethod
    def from_parameters(cls, ensemble: str, parameters: Mapping[str, str]) -> EmbedderDescription:
        """Read the parameters `embedder_version`, `attributes` and `taxonomy`; the last two may be missing.

        Raises:
            UnexpectedResponseError: the version is missing, or something cannot be read.
        """
        if not (version := parameters.get("embedder_version")):
            raise UnexpectedResponseError(
                f"The configuration of ensemble {ensemble!r} has no parameter `embedder_version`, without which "
                f"its hashes cannot be told from another embedder's; it has {sorted(parameters)}."
            )
        return cls(
            embedder_version=version,
            labels_of_head=_read_attributes(parameters.get("attributes", "{}")),
            taxonomy=Taxonomy.from_json(parameters["taxonomy"]) if "taxonomy" in parameters else NO_CLASSES,
        )


def _read_attributes(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read a JSON object of head -> list of label names."""
    try:
        attributes = json.loads(text)
        if not all(isinstance(labels, list) for labels in attributes.values()):
            raise TypeError("the labels of a head are no list")
        return {str(head): tuple(str(label) for label in labels) for head, labels in attributes.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise UnexpectedResponseError(
            "The ensemble's parameter `attributes` must be a JSON object of lists of label names, "
            f"but reading it failed with {error!r}: {text[:200]!r}"
        ) from error
