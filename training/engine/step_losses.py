"""The terms of a step's loss: what boxes say, and what a teacher says."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from training.data.feature_cache import FeatureSample
from training.data.training_photos import TrainingSample
from training.detector.detector import Detector
from training.detector.fcos_outputs import HeadOutputs
from training.detector.global_batch import sum_over_processes, without_contribution
from training.detector.head import GroundTruth, OutputsT, level_sizes_of, outputs_of_images
from training.engine.distillation import distillation_loss
from training.engine.loaded_batch import LoadedBatch
from training.engine.precision import MixedPrecision
from training.engine.recipe import Recipe

Sample = TrainingSample | FeatureSample


@dataclass(frozen=True, slots=True)
class Teacher:
    """A frozen detector whose outputs are targets where it has levels."""

    detector: Detector
    levels: int
    """The first so many of P3..P7 are trained."""


class StepLosses:
    """Runs the detector on a batch, in the recipe's precision, and compares it with what is known, in FP32."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        detector: Detector,
        teacher: Teacher | None,
        is_ancestor: Tensor | None,
        precision: MixedPrecision,
    ) -> None:
        self._recipe = recipe
        self._detector = detector
        self._teacher = teacher if recipe.distillation_weight else None
        self._is_ancestor = is_ancestor
        self._precision = precision

    def of_batch(self, batch: LoadedBatch) -> dict[str, Tensor]:
        """Return this process's share of each term; the shares of all processes add up to the term."""
        if batch.counts:
            return self(batch.samples)
        with without_contribution():
            return {name: value * 0.0 for name, value in self(batch.samples).items()}

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Return each term, weighted as the recipe says."""
        with self._precision.autocast():
            features = self._features(samples)
            outputs = self._detector.head(features)
        outputs = _in_fp32(outputs)
        terms = self._supervised(samples, outputs, level_sizes_of(features))
        if self._teacher:
            with torch.no_grad(), self._precision.autocast():
                teacher_outputs = self._teacher.detector(_pixels(samples))
            known = sum(h * w for h, w in level_sizes_of(features)[: self._teacher.levels])
            distilled = distillation_loss(outputs, cast(HeadOutputs, _in_fp32(teacher_outputs)), locations=known)
            terms["distillation"] = distilled * self._recipe.distillation_weight
        return terms

    def _supervised(
        self, samples: Sequence[Sample], outputs: OutputsT, level_sizes: list[tuple[int, int]]
    ) -> dict[str, Tensor]:
        labelled = [k for k, sample in enumerate(samples) if sample.is_labelled]
        # The same answer in every process: all have to take part in the sums that the losses are divided by.
        labelled_anywhere = sum_over_processes(torch.tensor(float(len(labelled)), device=outputs[0].device)) > 0
        if not labelled_anywhere or not self._recipe.supervised_weight:
            return {}
        images = labelled or list(range(len(samples)))
        truth = GroundTruth(
            boxes_per_image=[samples[k].boxes for k in images],
            class_indices_per_image=[samples[k].class_indices for k in images],
            class_is_known=torch.stack([samples[k].class_is_known for k in images]),
            is_ancestor=self._is_ancestor,
        )
        with contextlib.nullcontext() if labelled else without_contribution():
            losses = self._detector.head.losses(outputs_of_images(outputs, images), level_sizes, truth)
        # The terms count the same among themselves; the weight scales them against the teacher's.
        weight = self._recipe.supervised_weight if labelled else 0.0
        return {name: value * weight for name, value in losses.items()}

    def _features(self, samples: Sequence[Sample]) -> tuple[Tensor, ...]:
        """P3..P7 of a batch: from the cache, or by the backbone, with gradients if it is trained."""
        if isinstance(samples[0], FeatureSample):
            per_level = zip(*(s.features for s in samples if isinstance(s, FeatureSample)), strict=True)
            return tuple(torch.stack(level).contiguous(memory_format=torch.channels_last) for level in per_level)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._recipe.backbone == "train"):
            features: tuple[Tensor, ...] = self._detector.backbone(_pixels(samples))
        return features


def _pixels(samples: Sequence[Sample]) -> Tensor:
    return torch.stack([s.pixels for s in samples if isinstance(s, TrainingSample)])


def _in_fp32(outputs: OutputsT) -> OutputsT:
    fields: list[Any] = [None if field is None else field.float() for field in outputs]
    return type(outputs)(*fields)
