"""The training loop."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader

from training.data.feature_cache import CachedFeatures, FeatureSample
from training.data.training_photos import OrientationBatches, TrainingPhotos, TrainingSample
from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead, HeadOutputs
from training.detector.fcos_loss import fcos_losses
from training.detector.fcos_targets import assign_locations
from training.detector.locations import pyramid_locations
from training.engine.averaged_weights import AveragedWeights
from training.engine.checkpoint import load_checkpoint, save_checkpoint
from training.engine.distillation import distillation_loss
from training.engine.recipe import Recipe
from training.evaluation.coco_metrics import CocoMetrics


class Detector(nn.Module):
    """Backbone and one head, trained together or the head alone."""

    def __init__(self, backbone: SharedBackbone, head: FCOSHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: Tensor) -> HeadOutputs:
        """Map pixels UINT8 [N, H, W, 3] to the head's outputs."""
        outputs: HeadOutputs = self.head(self.backbone(pixels))
        return outputs


class TrainingDiverged(FloatingPointError):
    """The loss is no longer a number."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A frozen detector whose outputs are targets where it has levels."""

    detector: Detector
    levels: int
    """The first so many of P3..P7 are trained."""


class Trainer:
    """Runs a recipe to its end, resuming from `run_folder/last.pt` if it is there.

    Everything random is drawn from the recipe's seed, the epoch and the step, so a resumed run sees what the
    uninterrupted one would have seen.
    """

    def __init__(
        self,
        *,
        recipe: Recipe,
        detector: Detector,
        new_layers: tuple[nn.Module, ...],
        photos: TrainingPhotos,
        cached_features: CachedFeatures | None = None,
        run_folder: Path,
        teacher: Teacher | None,
        evaluate: Callable[[Detector], CocoMetrics] | None,
        loader_workers: int = 1,
    ) -> None:
        self._recipe = recipe
        self._detector = detector
        self._run_folder = run_folder
        self._teacher = teacher
        self._evaluate = evaluate
        self._batches = OrientationBatches(
            photos,
            batch_size=recipe.images_per_step,
            seed=recipe.seed,
            negatives_share=recipe.negatives_share,
        )
        self._cached_features = cached_features
        self._loader: DataLoader[Any] = DataLoader(
            cached_features or photos,
            batch_sampler=self._batches,
            collate_fn=list,
            num_workers=loader_workers,
            worker_init_fn=_one_thread,
        )
        # Depth-wise convolutions learn in half the time when the channels of a pixel lie side by side.
        detector.to(memory_format=torch.channels_last)
        if recipe.backbone == "frozen":
            detector.backbone.requires_grad_(False)
        self._optimizer = torch.optim.AdamW(
            _parameter_groups(detector, new_layers, recipe), weight_decay=recipe.weight_decay
        )
        self._averaged = AveragedWeights(detector, decay=recipe.ema_decay)
        self._next_epoch = 0
        self._resume()

    def run(self) -> Detector:
        """Train to the recipe's last epoch and return the detector with averaged weights."""
        (self._run_folder).mkdir(parents=True, exist_ok=True)
        (self._run_folder / "recipe.yaml").write_text(self._recipe.as_yaml())
        for epoch in range(self._next_epoch, self._recipe.epochs):
            started = time.monotonic()
            losses = self._train_epoch(epoch)
            self._save(epoch)
            summary = " ".join(f"{name} {value:.4f}" for name, value in losses.items())
            metrics = ""
            is_due = (epoch + 1) % self._recipe.evaluate_every_epochs == 0 or epoch + 1 == self._recipe.epochs
            if self._evaluate and is_due:
                result = self._evaluate(self._averaged.module)
                metrics = f" AP {result.AP:.4f} AP50 {result.AP50:.4f}"
            print(
                f"epoch {epoch + 1}/{self._recipe.epochs} {summary}{metrics} {time.monotonic() - started:.0f}s",
                flush=True,
            )
        return self._averaged.module

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        self._batches.epoch = epoch
        if self._cached_features is not None:
            self._cached_features.epoch = epoch
        torch.manual_seed(self._recipe.seed * 7919 + epoch)
        self._detector.train()
        steps_per_epoch = len(self._batches)
        totals: dict[str, float] = {}
        waited_s = 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task(f"epoch {epoch + 1}", total=steps_per_epoch)
            for step_in_epoch, (samples, wait_s) in enumerate(_timed(self._loader)):
                waited_s += wait_s
                step = epoch * steps_per_epoch + step_in_epoch
                self._set_learning_rate(step, self._recipe.epochs * steps_per_epoch)
                terms = self._losses(samples)
                loss = torch.stack(list(terms.values())).sum()
                if not torch.isfinite(loss):
                    values = {name: value.item() for name, value in terms.items()}
                    raise TrainingDiverged(
                        f"the loss is not finite at step {step}: {values}. Lower learning_rate, or look at the photos "
                        f"of this step; {self._run_folder / 'last.pt'} holds the state before the epoch."
                    )
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self._detector.parameters(), self._recipe.gradient_clip_norm)
                self._optimizer.step()
                self._averaged.update(self._detector, step)
                for name, value in terms.items():
                    totals[name] = totals.get(name, 0.0) + value.item() / steps_per_epoch
                progress.advance(task)
        return {**totals, "waited_for_data_s": waited_s}

    def _features(self, samples: Sequence[TrainingSample | FeatureSample]) -> tuple[Tensor, ...]:
        """P3..P7 of a batch: from the cache, or by the backbone, with gradients if it is trained."""
        if isinstance(samples[0], FeatureSample):
            per_level = zip(*(s.features for s in samples if isinstance(s, FeatureSample)), strict=True)
            return tuple(torch.stack(level).contiguous(memory_format=torch.channels_last) for level in per_level)
        with torch.set_grad_enabled(self._recipe.backbone == "train"):
            features: tuple[Tensor, ...] = self._detector.backbone(_pixels(samples))
        return features

    def _losses(self, samples: Sequence[TrainingSample | FeatureSample]) -> dict[str, Tensor]:
        recipe = self._recipe
        features = self._features(samples)
        outputs: HeadOutputs = self._detector.head(features)
        level_sizes = [(f.shape[-2], f.shape[-1]) for f in features]
        terms: dict[str, Tensor] = {}
        labelled = [k for k, s in enumerate(samples) if s.is_labelled]
        if labelled and recipe.supervised_weight:
            locations, strides = pyramid_locations(level_sizes)
            targets = [
                assign_locations(locations, strides, samples[k].boxes, samples[k].class_indices) for k in labelled
            ]
            class_is_known = torch.stack([samples[k].class_is_known for k in labelled])
            of_labelled = HeadOutputs(*(field[labelled] for field in outputs))
            losses = fcos_losses(of_labelled, targets, locations, strides, class_is_known)
            # By FCOS the three terms count the same; the weight scales them against the teacher's.
            terms |= {name: value * recipe.supervised_weight for name, value in losses._asdict().items()}
        if self._teacher and recipe.distillation_weight:
            with torch.no_grad():
                teacher_outputs = self._teacher.detector(_pixels(samples))
            known = sum(h * w for h, w in level_sizes[: self._teacher.levels])
            distilled = distillation_loss(outputs, teacher_outputs, locations=known)
            terms["distillation"] = distilled * recipe.distillation_weight
        return terms

    def _set_learning_rate(self, step: int, total_steps: int) -> None:
        warmup = min(1.0, (step + 1) / max(1, self._recipe.warmup_steps))
        cosine = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / total_steps))
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak_lr"] * warmup * cosine

    def _save(self, epoch: int) -> None:
        state: dict[str, Any] = {
            "epoch": epoch,
            "recipe": self._recipe.as_yaml(),
            "detector": self._detector.state_dict(),
            "averaged": self._averaged.module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        save_checkpoint(self._run_folder / "last.pt", state)

    def _resume(self) -> None:
        path = self._run_folder / "last.pt"
        if not path.exists():
            return
        state = load_checkpoint(path)
        if state["recipe"] != self._recipe.as_yaml():
            raise ValueError(
                f"{path} was made by another recipe than the one given (compare {self._run_folder / 'recipe.yaml'}): "
                "name another --run-folder, or delete this one to start over"
            )
        self._detector.load_state_dict(state["detector"])
        self._averaged.module.load_state_dict(state["averaged"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._next_epoch = state["epoch"] + 1
        print(f"resuming {path} after epoch {self._next_epoch}", flush=True)


def _parameter_groups(detector: Detector, new_layers: tuple[nn.Module, ...], recipe: Recipe) -> list[dict[str, Any]]:
    new = {id(p) for layer in new_layers for p in layer.parameters()}
    trained = [p for p in detector.parameters() if p.requires_grad and id(p) not in new]
    fresh = [p for p in detector.parameters() if p.requires_grad and id(p) in new]
    return [
        {"params": trained, "peak_lr": recipe.learning_rate},
        {"params": fresh, "peak_lr": recipe.new_layer_learning_rate},
    ]


def _pixels(samples: Sequence[TrainingSample | FeatureSample]) -> Tensor:
    return torch.stack([s.pixels for s in samples if isinstance(s, TrainingSample)])


def _timed(loader: DataLoader[Any]) -> Iterator[tuple[list[TrainingSample | FeatureSample], float]]:
    """Yield each batch with the seconds the step waited for it."""
    iterator = iter(loader)
    while True:
        started = time.monotonic()
        try:
            samples = next(iterator)
        except StopIteration:
            return
        yield samples, time.monotonic() - started


def _one_thread(_worker_id: int) -> None:
    torch.set_num_threads(1)
