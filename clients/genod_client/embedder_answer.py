"""The tensor contracts of the ensembles `visual_search` and `embed`: how their outputs become results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genod_client.answer import OUTPUTS, Answer
from genod_client.embedder_description import EmbedderDescription
from genod_client.embedding_results import Attribute, EmbeddedBox, Embeddings, FoundObject, VisualSearch
from genod_client.errors import UnexpectedResponseError
from genod_client.operations import InferReply
from genod_client.results import Box, ImageSize
from genod_client.tensors import Tensor
from genod_client.visual_hash import HASH_BYTES, VisualHash

OBJECT_OUTPUTS = ("object_boxes", "object_class_ids", "object_scores", "num_objects", "hashes", "embeddings")
VISUAL_SEARCH_OUTPUTS = (*OUTPUTS, *OBJECT_OUTPUTS)
EMBED_OUTPUTS = ("hashes", "embeddings", "image_size")
"""Those of every embedder. Its heads add `attribute_<head>_ids` and `attribute_<head>_scores`."""

_FLOAT32_BYTES = 4


def visual_search_result(reply: InferReply, description: EmbedderDescription) -> VisualSearch:
    """Check and decode an answer of `visual_search`.

    Args:
        reply: the outputs of `detect`, and for the S best objects (S = 16 in the contract) object_boxes FP32
            [1, S, 4], object_class_ids INT32 [1, S], object_scores FP32 [1, S], num_objects INT32 [1, 1],
            hashes UINT8 [1, S, 32], embeddings FP32 [1, S, D].
        description: of the very version that answered.

    Raises:
        UnexpectedResponseError: a tensor is missing or is not as the contract says, or a class has no name.
    """
    tensors = _with_all(reply, VISUAL_SEARCH_OUTPUTS)
    detections = Answer(reply).with_names(description.taxonomy)
    slots = tensors["object_scores"].shape[-1] if tensors["object_scores"].shape else 0
    boxes = tensors["object_boxes"].values("object_boxes", "FP32", (1, slots, 4))
    scores = tensors["object_scores"].values("object_scores", "FP32", (1, slots))
    class_ids = tensors["object_class_ids"].values("object_class_ids", "INT32", (1, slots))
    (count,) = tensors["num_objects"].values("num_objects", "INT32", (1, 1))
    if not 0 <= count <= slots:
        raise UnexpectedResponseError(f"num_objects must be between 0 and the {slots} rows, but is {count}.")
    taxonomy = description.taxonomy
    if unknown := sorted({class_id for class_id in class_ids[:count] if class_id not in taxonomy}):
        raise UnexpectedResponseError(f"The server's taxonomy lacks the class ids {unknown} of its own objects.")
    objects = tuple(
        FoundObject(
            box=Box(*boxes[4 * row : 4 * row + 4]),
            hash=hash_,
            embedding_data=embedding,
            score=scores[row],
            name=taxonomy.name(class_ids[row]),
            class_id=class_ids[row],
            ancestors=taxonomy.ancestors(class_ids[row]),
        )
        for row, (hash_, embedding) in enumerate(_embedded_rows(reply, slots, count, description.embedder_version))
    )
    return VisualSearch(detections, objects, description.embedder_version)


def embed_result(reply: InferReply, boxes: Sequence[Box], description: EmbedderDescription) -> Embeddings:
    """Check and decode an answer of `embed`.

    Args:
        reply: for N boxes hashes UINT8 [1, N, 32], embeddings FP32 [1, N, D], image_size INT32 [1, 2] and for
            each head attribute_<head>_ids INT32 [1, N, K] and attribute_<head>_scores FP32 [1, N, K].
        boxes: the N boxes.
        description: of the very version that answered.

    Raises:
        UnexpectedResponseError: a tensor is missing or is not as the contract says.
    """
    tensors = _with_all(reply, EMBED_OUTPUTS)
    width, height = tensors["image_size"].values("image_size", "INT32", (1, 2))
    labels = [_labels(reply, head, names, len(boxes)) for head, names in description.labels_of_head.items()]
    rows = _embedded_rows(reply, len(boxes), len(boxes), description.embedder_version)
    embedded = tuple(
        EmbeddedBox(
            box=box,
            hash=hash_,
            embedding_data=embedding,
            attributes=tuple(attribute for labels_per_row in labels for attribute in labels_per_row[row]),
        )
        for row, (box, (hash_, embedding)) in enumerate(zip(boxes, rows, strict=True))
    )
    return Embeddings(ImageSize(width, height), embedded, reply.model_version, description.embedder_version)


def _embedded_rows(reply: InferReply, slots: int, count: int, version: str) -> Iterator[tuple[VisualHash, bytes]]:
    """Yield hash and embedding of the first `count` of `slots` rows."""
    hashes = reply.tensors["hashes"].content("hashes", "UINT8", (1, slots, HASH_BYTES))
    dims = reply.tensors["embeddings"].shape[-1] if reply.tensors["embeddings"].shape else 0
    embeddings = reply.tensors["embeddings"].content("embeddings", "FP32", (1, slots, dims))
    size = dims * _FLOAT32_BYTES
    for row in range(count):
        embedding = embeddings[row * size : (row + 1) * size]
        if not any(embedding):
            raise UnexpectedResponseError(
                f"The server gave row {row} no embedding, as it does for a box without an area. "
                "Is the box smaller than a pixel?"
            )
        yield VisualHash(hashes[row * HASH_BYTES : (row + 1) * HASH_BYTES], version), embedding


def _labels(reply: InferReply, head: str, names: tuple[str, ...], rows: int) -> list[tuple[Attribute, ...]]:
    """Return the best labels of one head, per row."""
    ids_name, scores_name = f"attribute_{head}_ids", f"attribute_{head}_scores"
    tensors = _with_all(reply, (ids_name, scores_name))
    best = tensors[ids_name].shape[-1] if tensors[ids_name].shape else 0
    ids = tensors[ids_name].values(ids_name, "INT32", (1, rows, best))
    scores = tensors[scores_name].values(scores_name, "FP32", (1, rows, best))
    if unknown := sorted({id_ for id_ in ids if not 0 <= id_ < len(names)}):
        raise UnexpectedResponseError(f"Head {head!r} has {len(names)} labels; the server answered with ids {unknown}.")
    return [
        tuple(Attribute(head, names[ids[at]], scores[at]) for at in range(row * best, (row + 1) * best))
        for row in range(rows)
    ]


def _with_all(reply: InferReply, names: Sequence[str]) -> dict[str, Tensor]:
    if missing := [name for name in names if name not in reply.tensors]:
        raise UnexpectedResponseError(f"The answer lacks the outputs {missing}; it has {sorted(reply.tensors)}.")
    return dict(reply.tensors)
