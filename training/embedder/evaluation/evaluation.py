"""Judge what an embedder says of crops by protocols: as floats, and as bits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.embedder.data import LabelledCrop
from training.embedder.evaluation.attribute_precision import AttributePrecision, attribute_precision
from training.embedder.evaluation.distance_histogram import DistanceHistogram, distance_histogram
from training.embedder.evaluation.distances import cosine_distances
from training.embedder.evaluation.embedded_crops import CropModel, EmbeddedCrops, embed_crops
from training.embedder.evaluation.protocol import Case, Protocol
from training.embedder.evaluation.query_scores import QueryScores, score_queries
from training.embedder.hashing.hamming import hamming_distances

SQUARED_PER_COSINE = 2.0
"""Of vectors of unit length."""
LARGEST_SQUARED_DISTANCE = 4.0
RECALL_AT = (1, 5, 10)

Distances = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideResult:
    """One kind of distance: squared of the floats, which is twice the cosine distance, or Hamming of the bits."""

    means: Mapping[str, float]
    """`P@1`, `R@K`, `MAP`: means over the queries of a case, and over the cases."""
    worst_precision_at_1: float
    """Of the cases."""
    scores: QueryScores
    """Of the first case."""
    distances: Distances
    """[Q, G] of the first case."""
    histogram: DistanceHistogram | None
    """Of the first case's pairs; of floats their squared distances, as in GrokNet's figure 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolResult:
    """An embedder by one protocol."""

    protocol: Protocol
    num_queries: int
    """Of a case."""
    num_gallery: int
    floats: SideResult
    bits: SideResult

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "what": self.protocol.what,
            "queries": self.num_queries,
            "gallery": self.num_gallery,
            "draws": len(self.protocol.cases),
            **{
                name: {
                    **{metric: round(value, 6) for metric, value in side.means.items()},
                    "worst P@1 of the draws": round(side.worst_precision_at_1, 6),
                    "pairs": None if side.histogram is None else side.histogram.as_dict(),
                }
                for name, side in (("float", self.floats), ("binary", self.bits))
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An embedder by all protocols."""

    model_name: str
    results: Sequence[ProtocolResult]
    attributes: Mapping[str, AttributePrecision]
    """By head: over the queries of all protocols whose crops have a label of the head's name."""
    num_broken: int = 0
    """Images that could not be read, and are left out."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "embedder": self.model_name,
            "protocols": {result.protocol.name: result.as_dict() for result in self.results},
            "attributes": {
                head: {"P@1": found.precision_at_1, "crops": found.num_crops, "of labels unknown": found.num_foreign}
                for head, found in self.attributes.items()
            },
            "broken images": self.num_broken,
        }


def evaluate_embedder(
    model: CropModel,
    protocols: Sequence[Protocol],
    *,
    kind_of_head: Mapping[str, Mapping[str, str]] | None = None,
    num_broken: int = 0,
    on_batch: Callable[[int], None] = lambda count: None,
) -> Evaluation:
    """Embed every crop of the protocols once, and judge.

    Args:
        model: what embeds.
        protocols: how; `num_crops` says how many crops they have together.
        kind_of_head: by data set and head, which kind of label the head has learnt from it; where nothing is said, the
            one of the head's name.
        num_broken: images that were left out, for the report.
        on_batch: called with the number of crops that are embedded since the last call.
    """
    row_of_crop = _rows(protocols)
    unique = {row_of_crop[_key(crop)]: crop for protocol in protocols for crop in protocol.crops}
    embedded = embed_crops(model, [unique[row] for row in range(len(unique))], on_batch=on_batch)
    rows = [np.array([row_of_crop[_key(crop)] for crop in protocol.crops]) for protocol in protocols]
    return Evaluation(
        model_name=model.name,
        results=[judge(p, embedded.rows(own)) for p, own in zip(protocols, rows, strict=True)],
        attributes=_attributes(model, protocols, rows, unique, embedded, kind_of_head or {}),
        num_broken=num_broken,
    )


def num_crops(protocols: Sequence[Protocol]) -> int:
    """Return how many different crops protocols have together."""
    return len(_rows(protocols))


def judge(protocol: Protocol, embedded: EmbeddedCrops) -> ProtocolResult:
    """Judge a protocol's crops, embedded in its own order."""

    def floats(case: Case) -> Distances:
        cosine = cosine_distances(embedded.embeddings[case.queries], embedded.embeddings[case.gallery])
        return SQUARED_PER_COSINE * cosine

    def bits(case: Case) -> Distances:
        return hamming_distances(embedded.hashes[case.queries], embedded.hashes[case.gallery])

    first = protocol.cases[0]
    return ProtocolResult(
        protocol=protocol,
        num_queries=len(first.queries),
        num_gallery=len(first.gallery),
        floats=_side(protocol, floats, LARGEST_SQUARED_DISTANCE),
        bits=_side(protocol, bits, 8.0 * embedded.hashes.shape[1]),
    )


def _side(protocol: Protocol, distances_of: Callable[[Case], Distances], largest: float) -> SideResult:
    scored = [
        score_queries(
            distances_of(case), protocol.is_right(case), is_in_gallery=case.is_in_gallery, recall_at=RECALL_AT
        )
        for case in protocol.cases
    ]
    means = [scores.means() for scores in scored]
    first = protocol.cases[0]
    return SideResult(
        means={name: float(np.mean([of_case[name] for of_case in means])) for name in means[0]},
        worst_precision_at_1=min(of_case["P@1"] for of_case in means),
        scores=scored[0],
        distances=distances_of(first),
        histogram=distance_histogram(
            distances_of(first), protocol.is_right(first), is_in_gallery=first.is_in_gallery, largest=largest
        ),
    )


def _attributes(
    model: CropModel,
    protocols: Sequence[Protocol],
    rows_of_protocol: Sequence[npt.NDArray[np.int64]],
    crops: Mapping[int, LabelledCrop],
    embedded: EmbeddedCrops,
    kind_of_head: Mapping[str, Mapping[str, str]],
) -> dict[str, AttributePrecision]:
    """Judge heads on the queries, which training has not seen; the gallery it may have."""
    asked = sorted(
        {
            int(rows[query])
            for protocol, rows in zip(protocols, rows_of_protocol, strict=True)
            for case in protocol.cases
            for query in case.queries
            if type(protocol.crops[query]) is LabelledCrop
        }
    )
    found = {}
    for head, head_labels in model.labels_of_head.items():
        kinds = [kind_of_head.get(crops[row].data_set, {}).get(head, head) for row in asked]
        labels = [crops[row].labels.get(kind) for row, kind in zip(asked, kinds, strict=True)]
        if any(labels):
            best = [embedded.best_labels[head][row] for row in asked]
            found[head] = attribute_precision(best, labels, head_labels)
    return found


def _rows(protocols: Sequence[Protocol]) -> dict[tuple[object, ...], int]:
    keys = dict.fromkeys(_key(crop) for protocol in protocols for crop in protocol.crops)
    return {key: row for row, key in enumerate(keys)}


def _key(crop: LabelledCrop) -> tuple[object, ...]:
    """What makes a crop's pixels: a class that disturbs them is a part of it."""
    return (type(crop), crop.path, crop.box_xyxy_px)
