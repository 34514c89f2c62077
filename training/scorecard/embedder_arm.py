"""One side of a comparison of embedders: what it learns from, by which losses, and how it pools."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from training.data.roots import data_root
from training.embedder.data import crop_set_folder
from training.embedder.trunk.mobilenet_v1 import ARRAYS
from training.scorecard.embedder_crops import KIND_OF_SET
from training.scorecard.job import Job
from training.scorecard.plan import Plan

Loss = Literal["arcface", "pairwise", "softmax"]

ALL_SETS = tuple(KIND_OF_SET)
COMBINED: tuple[Loss, ...] = ("arcface", "pairwise", "softmax")
BASE = "unified, combined losses, GeM"
CROPS_PER_SET_AND_STEP = 32
SECONDS_PER_CROP = 0.0015
"""On one core, forwards and backwards through what is trained."""
SECONDS_PER_FEATURES = 0.012


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderArm:
    """A small upper part of an embedder on frozen features; both sides of a comparison differ in one field."""

    label: str
    seed: int
    sets: tuple[str, ...]
    """Each gives `CROPS_PER_SET_AND_STEP` crops to every step, also where it is alone."""
    steps: int
    views: int
    """Random views of each crop that are learnt from, beside the crop as it is."""
    max_crops: int | None
    """Only so many of each split of each set, the same at every seed."""
    losses: tuple[Loss, ...] = COMBINED
    pooling: Literal["gem", "average"] = "gem"
    is_hashed: bool = False
    """Also learn a catalyzer, and judge bits."""

    def job(self) -> Job:
        """Return the training as a job; see `train_embedder_arm` for its result."""
        return Job(
            name=f"embedder: {self.label}, seed {self.seed}",
            function="training.scorecard.train_embedder_arm:train_embedder_arm",
            arguments={"arm": {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}},
            reads=files_of(self.sets),
            cost=CROPS_PER_SET_AND_STEP * len(self.sets) * self.steps * SECONDS_PER_CROP + 5 + 10 * self.is_hashed,
            stage=2,
        )

    def feature_jobs(self) -> list[Job]:
        """Return the jobs that compute the features; arms share them."""
        wanted = [(name, "train", view) for name in self.sets for view in range(self.views + 1)]
        wanted += [(name, "val", 0) for name in self.sets]
        return [
            Job(
                name=f"crop features of {self.max_crops or 'all'} {name} {split}, view {view}",
                function="training.scorecard.crop_features:compute_crop_features",
                arguments={"set_name": name, "split": split, "limit": self.max_crops, "view": view},
                reads=files_of((name,)),
                cost=SECONDS_PER_FEATURES * min(self.max_crops or 400, 400) * (1 if split == "train" else 0.4),
                stage=1,
            )
            for name, split, view in wanted
        ]


def arm_of(values: Mapping[str, Any]) -> EmbedderArm:
    """Make an arm from a job's plain arguments again."""
    lists: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return EmbedderArm(**lists)


def base_arm(plan: Plan, seed: int, *, label: str | None = None, **differences: Any) -> EmbedderArm:
    """Return the arm that every relation compares with, or one that differs from it.

    Args:
        plan: sizes.
        seed: of the training.
        label: how a side that differs is called; None is the arm itself, whose bits are judged too.
        differences: fields of `EmbedderArm`.
    """
    values: dict[str, Any] = {
        "sets": ALL_SETS,
        "steps": plan.embedder_steps,
        "views": plan.embedder_views,
        "max_crops": plan.crops_per_set,
        "is_hashed": label is None,
    }
    return EmbedderArm(label=label or BASE, seed=seed, **(values | differences))


def files_of(sets: tuple[str, ...]) -> tuple[Path, ...]:
    """Return what the result of a job on these sets depends on."""
    parts = ("labels.json", "annotations.json", "split.json", "images", "iconic", "train", "test")
    found = [crop_set_folder(name) / part for name in sets for part in parts]
    return (*(path for path in found if path.exists()), data_root() / "backbone" / ARRAYS)
