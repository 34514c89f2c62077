"""What all FCOS heads share: assignment, losses, candidates, and classifying the best locations only."""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.detector.candidates import (
    CANDIDATES_PER_IMAGE,
    BestPairs,
    Candidates,
    best_pairs,
    best_pairs_among,
    fcos_candidates,
)
from training.detector.classify_locations import classify_locations
from training.detector.fcos_loss import fcos_losses
from training.detector.fcos_outputs import HeadOutputs
from training.detector.fcos_targets import MAX_DISTANCE_IN_STRIDES, assign_locations
from training.detector.head import DetectionHead, GroundTruth, LevelSizes, level_sizes_of
from training.detector.locations import pyramid_locations
from training.detector.objectness_loss import objectness_loss


class LevelMaps(NamedTuple):
    """What a head makes of one level before it classifies."""

    class_features: Tensor
    """[N, channels, H, W]: what the classifier looks at."""
    centerness_logits: Tensor
    """[N, 1, H, W]"""
    distance_logits: Tensor
    """[N, 4 * bins, H, W]"""
    objectness_logits: Tensor | None
    """[N, 1, H, W], of heads that classify only the best locations."""


class FCOS(DetectionHead[HeadOutputs]):
    """An FCOS head of some size; what it is made of is its subclass's.

    FCOS, section 3, with its improvements: centerness beside the box distances, GIoU loss, distances in units of the
    level's stride, centre sampling.

    Departure, where `classified_locations` is not 0: the last layer costs in proportion to locations times classes,
    and in a slim head it is what 900 classes are paid with. One further output, objectness, learns what the best class
    scores at a location, and detection classifies only the `classified_locations` best of each level by it. Training
    classifies every location, as the focal loss needs.
    """

    max_distance_in_strides = MAX_DISTANCE_IN_STRIDES

    def __init__(self, *, in_channels: int, num_classes: int, classified_locations: int) -> None:
        super().__init__(in_channels=in_channels, num_classes=num_classes)
        self.classified_locations = classified_locations

    @abstractmethod
    def level_maps(self, level: int, features: Tensor) -> LevelMaps:
        """Map features [N, in_channels, H, W] of one level."""

    @abstractmethod
    def classifier(self, level: int) -> nn.Conv2d:
        """Return the last layer over the classes of one level."""

    @abstractmethod
    def distances(self, distance_logits: Tensor) -> Tensor:
        """Turn distance logits [..., bins] into distances [...] >= 0 in strides."""

    def forward(self, features_per_level: tuple[Tensor, ...]) -> HeadOutputs:
        """Map P3..P7, each [N, C, H, W], to the outputs of all their locations."""
        maps_per_level = self._maps(features_per_level)
        class_logits = [self.classifier(level)(maps.class_features) for level, maps in enumerate(maps_per_level)]
        objectness = [m.objectness_logits for m in maps_per_level if m.objectness_logits is not None]
        return HeadOutputs(
            class_logits=_all_locations(class_logits),
            centerness_logits=_centerness(maps_per_level),
            distance_logits=_distances(maps_per_level),
            objectness_logits=_all_locations(objectness).squeeze(-1) if objectness else None,
        )

    def losses(self, outputs: HeadOutputs, level_sizes: LevelSizes, truth: GroundTruth) -> dict[str, Tensor]:
        """Return classification, centerness and box loss, and that of the objectness where there is one."""
        locations, strides = pyramid_locations(level_sizes, outputs.class_logits.device)
        targets = [
            assign_locations(
                locations, strides, boxes, class_indices, max_distance_in_strides=self.max_distance_in_strides
            )
            for boxes, class_indices in zip(truth.boxes_per_image, truth.class_indices_per_image, strict=True)
        ]
        losses = fcos_losses(
            outputs,
            targets,
            locations,
            strides,
            truth.class_is_known,
            truth.is_ancestor,
            distances_of=self.distances,
        )
        terms = losses._asdict()
        if outputs.objectness_logits is not None:
            terms["objectness"] = objectness_loss(outputs.objectness_logits, outputs.class_logits)
        return terms

    def candidates(
        self, outputs: HeadOutputs, level_sizes: LevelSizes, class_ids: Tensor, *, count: int = CANDIDATES_PER_IMAGE
    ) -> Candidates:
        """Return the best pairs, scored by sqrt(class probability * centerness)."""
        centerness = outputs.centerness_logits
        if outputs.objectness_logits is None:
            pairs = best_pairs(outputs.class_logits, centerness, count=count)
        else:
            areas = [height * width for height, width in level_sizes]
            kept = _offset(
                [
                    self._best_of_level(o, c)
                    for o, c in zip(
                        torch.split(outputs.objectness_logits, areas, 1), torch.split(centerness, areas, 1), strict=True
                    )
                ],
                areas,
            )
            logits = outputs.class_logits.gather(1, kept.unsqueeze(-1).expand(-1, -1, self.num_classes))
            pairs = best_pairs_among(kept, logits, centerness, count=count)
        return self._candidates_of(pairs, outputs.distance_logits, level_sizes, class_ids, count=count)

    def detect(self, features_per_level: tuple[Tensor, ...], class_ids: Tensor) -> Candidates:
        """Return the candidates of features, classifying no more locations than need be."""
        if not self.classified_locations:
            return super().detect(features_per_level, class_ids)
        maps_per_level = self._maps(features_per_level)
        kept_per_level, class_logits = [], []
        for level, maps in enumerate(maps_per_level):
            assert maps.objectness_logits is not None
            kept = self._best_of_level(maps.objectness_logits.flatten(1), maps.centerness_logits.flatten(1))
            kept_per_level.append(kept)
            class_logits.append(classify_locations(self.classifier(level), maps.class_features, kept))
        level_sizes = level_sizes_of(features_per_level)
        kept = _offset(kept_per_level, [height * width for height, width in level_sizes])
        centerness = _centerness(maps_per_level)
        pairs = best_pairs_among(kept, torch.cat(class_logits, dim=1), centerness, count=CANDIDATES_PER_IMAGE)
        distances = _distances(maps_per_level)
        return self._candidates_of(pairs, distances, level_sizes, class_ids, count=CANDIDATES_PER_IMAGE)

    def _maps(self, features_per_level: tuple[Tensor, ...]) -> list[LevelMaps]:
        return [self.level_maps(level, features) for level, features in enumerate(features_per_level)]

    def _best_of_level(self, objectness_logits: Tensor, centerness_logits: Tensor) -> Tensor:
        """Return the locations INT64 [N, k] of one level, of [N, L], that are worth classifying."""
        scores = objectness_logits.sigmoid() * centerness_logits.sigmoid()
        return scores.topk(torch.sym_min(self.classified_locations, scores.shape[1]), dim=1).indices

    def _candidates_of(
        self, pairs: BestPairs, distance_logits: Tensor, level_sizes: LevelSizes, class_ids: Tensor, *, count: int
    ) -> Candidates:
        locations, strides = pyramid_locations(level_sizes, class_ids.device)
        return fcos_candidates(
            pairs, distance_logits, locations, strides, class_ids, count=count, distances_of=self.distances
        )


def _offset(kept_per_level: list[Tensor], areas: list[int]) -> Tensor:
    """Number the locations of all levels, from those of each."""
    firsts = [sum(areas[:level]) for level in range(len(areas))]
    return torch.cat([kept + first for kept, first in zip(kept_per_level, firsts, strict=True)], dim=1)


def _centerness(maps_per_level: list[LevelMaps]) -> Tensor:
    return _all_locations([m.centerness_logits for m in maps_per_level]).squeeze(-1)


def _distances(maps_per_level: list[LevelMaps]) -> Tensor:
    # (N, L, 4 * bins) to (N, L, 4, bins)
    flat = _all_locations([m.distance_logits for m in maps_per_level])
    return flat.view(*flat.shape[:2], 4, flat.shape[2] // 4)


def _all_locations(maps_per_level: list[Tensor]) -> Tensor:
    # (N, C, H, W) of each level to (N, L, C)
    return torch.cat([x.flatten(2).transpose(1, 2) for x in maps_per_level], dim=1)
