"""How much retrieval loses by hashing: float against bits on crops that nobody has trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.embedder.evaluation.distance_histogram import DistanceHistogram, distance_histogram
from training.embedder.evaluation.distances import cosine_distances
from training.embedder.evaluation.query_scores import score_queries
from training.embedder.hashing.errors import HashingError
from training.embedder.hashing.hamming import Hashes, hamming_distances

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledEmbeddings:
    """Queries and a gallery of one set."""

    name: str
    queries: Floats
    """[Q, D], unit length"""
    gallery: Floats
    """[G, D]"""
    is_right: npt.NDArray[np.bool_]
    """[Q, G]: both show the same."""
    is_in_gallery: npt.NDArray[np.bool_] | None = None
    """[Q, G]: False leaves an item out for a query; None is all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HashQuality:
    """One set."""

    name: str
    num_queries: int
    precision_at_1: Mapping[str, float]
    """Of `float`, and of each hasher."""
    histograms: Mapping[str, DistanceHistogram | None]
    """Of the same: squared distances of floats, 0 to 4; numbers of bits of hashes."""


def measure_hashers(embeddings: LabelledEmbeddings, hashers: Mapping[str, nn.Module]) -> HashQuality:
    """Compare hashers with the floats that they are made from.

    Args:
        embeddings: of one set.
        hashers: FP32 [N, D] to codes FP32 [N, bits], by name.

    Raises:
        HashingError: the set has no query with a right answer.
    """
    e = embeddings
    distances: dict[str, npt.NDArray[np.generic]] = {"float": 2 * cosine_distances(e.queries, e.gallery)}
    largest = {"float": 4.0}
    for name, hasher in hashers.items():
        queries, gallery = hashes_of(hasher, e.queries), hashes_of(hasher, e.gallery)
        distances[name] = hamming_distances(queries, gallery)
        largest[name] = 8.0 * queries.shape[1]
    precision, histograms, answerable = {}, {}, 0
    for name, values in distances.items():
        scores = score_queries(values, e.is_right, is_in_gallery=e.is_in_gallery)
        precision[name], answerable = scores.means()["P@1"], scores.num_answerable
        histograms[name] = distance_histogram(values, e.is_right, largest=largest[name], is_in_gallery=e.is_in_gallery)
    if not answerable:
        raise HashingError(f"{e.name}: no query has a right answer in its gallery; nothing can be measured")
    return HashQuality(name=e.name, num_queries=answerable, precision_at_1=precision, histograms=histograms)


def hashes_of(hasher: nn.Module, embeddings: Floats) -> Hashes:
    """Return UINT8 [N, bits / 8] of embeddings FP32 [N, D], in the order of `numpy.packbits`."""
    with torch.inference_mode():
        codes = hasher(torch.from_numpy(embeddings))
    return np.packbits(codes.numpy() > 0, axis=1)


def queries_and_gallery(
    name: str, embeddings: Floats, names_per_crop: Sequence[frozenset[str]], is_query: Sequence[bool]
) -> LabelledEmbeddings:
    """Arrange the crops of one set.

    Args:
        name: of the set.
        embeddings: FP32 [N, D]
        names_per_crop: [N]: what each shows; two that share a name show the same.
        is_query: [N]; where all are, each is looked up among the others.
    """
    queried = np.asarray(is_query, np.bool_)
    rows = np.flatnonzero(queried)
    columns = rows if queried.all() else np.flatnonzero(~queried)
    is_right = np.array([[bool(names_per_crop[q] & names_per_crop[g]) for g in columns] for q in rows], np.bool_)
    return LabelledEmbeddings(
        name=name,
        queries=embeddings[rows],
        gallery=embeddings[columns],
        is_right=is_right.reshape(len(rows), len(columns)),
        is_in_gallery=~np.eye(len(rows), dtype=np.bool_) if queried.all() else None,
    )
