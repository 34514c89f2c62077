"""One side of a comparison: a slim head, its data, its budget. Two sides of a relation differ in one field."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.detector.served_weights import newest_graph
from training.scorecard.experiment_sets import source_of
from training.scorecard.job import Job

DEMO_RECIPE = REPOSITORY_ROOT / "recipes" / "demo.yaml"
"""Says of some sets how their photos may be turned and what they hold none of; the experiments do the same."""
IMAGES_PER_STEP = 8
SECONDS_PER_PHOTO = 0.03
"""Of one core, about, for a slim FCOS head of few classes; only the time left depends on it."""
SECONDS_PER_FEATURES = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A head to train on the frozen served backbone, and the val sets to judge it on."""

    label: str
    """"FCOS": how the side is called in the table."""
    sets: tuple[str, ...]
    """Names that `experiment_sets.py` understands: of GENOD_DATA/detection, or derived from one."""
    val_sets: tuple[str, ...]
    photos_per_epoch: int
    """Photos shown, whatever the number of different ones: equal for both sides of a comparison."""
    epochs: int
    cached_views: int
    seed: int
    detector: Literal["fcos", "retinanet"] = "fcos"
    max_photos: int | None = None
    """Only so many train photos of each set, the same at every seed."""
    max_photos_by_set: Mapping[str, int] = field(default_factory=dict)
    """The same for single sets."""
    max_val_photos: int | None = None
    min_boxes_per_class: int = 0
    """Class-aware upsampling to so many boxes; 0 is none."""
    shorter_side_range_px: tuple[int, int] = (300, 500)

    def max_photos_of(self, set_name: str) -> int | None:
        """Return the limit for one set; None is all its photos."""
        return self.max_photos_by_set.get(set_name, self.max_photos)

    def job(self) -> Job:
        """Return the training as a job, whose result is `train_arm.TrainedArm` in plain values."""
        return Job(
            name=f"{self.label}, seed {self.seed}",
            function="training.scorecard.train_arm:train_arm",
            arguments={"arm": _plain(asdict(self))},
            reads=(*_files_of(self.sets), *_files_of(self.val_sets), backbone_graph()),
            cost=self.photos_per_epoch * self.epochs * SECONDS_PER_PHOTO * (2.5 if self.detector == "retinanet" else 1)
            + 15.0,
            stage=2,
        )

    def feature_jobs(self) -> list[Job]:
        """Return the jobs that make this side's derived sets and compute the features it needs; sides share them."""
        low, high = self.shorter_side_range_px
        made = [
            Job(
                name=f"make {name}, {split}",
                function="training.scorecard.experiment_sets:make_set",
                arguments={"name": name, "split": split},
                reads=(*_files_of((name,)), backbone_graph()),
                cost=40.0 if ":products" in name and split == "train" else 5.0,
                stage=0,
            )
            for split, names in (("train", self.sets), ("val", self.val_sets))
            for name in names
            if name != source_of(name)
        ]
        of_training = [
            Job(
                name=f"features of {self.max_photos_of(name) or 'all'} {name}, {low} to {high} px, view {view + 1}",
                function="training.scorecard.arm_features:compute_features",
                arguments={
                    "set_name": name,
                    "max_photos": self.max_photos_of(name),
                    "shorter_side_range_px": [low, high],
                    "view": view,
                    "views": self.cached_views,
                },
                reads=(*_files_of((name,)), backbone_graph()),
                cost=SECONDS_PER_FEATURES * min(self.max_photos or 200, 200),
                stage=1,
            )
            for name in self.sets
            for view in range(self.cached_views)
        ]
        of_val = [
            Job(
                name=truth_job(name),
                function="training.scorecard.arm_features:compute_val_features",
                arguments={"set_name": name, "limit": self.max_val_photos},
                reads=(*_files_of((name,)), backbone_graph()),
                cost=SECONDS_PER_FEATURES * min(self.max_val_photos or 60, 60),
                stage=1,
            )
            for name in self.val_sets
        ]
        return made + of_training + of_val


def truth_job(val_set: str) -> str:
    """Return the name of the job whose result is the ground truth of a val split, in ids of the taxonomy."""
    return f"val photos of {val_set}"


def arm_of(values: Mapping[str, Any]) -> Arm:
    """Make an arm from a job's plain arguments again."""
    lists: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return Arm(**lists)


def backbone_graph() -> Path:
    """Return the served backbone's file."""
    return newest_graph(REPOSITORY_ROOT / "model_repository", "backbone")


def _files_of(names: tuple[str, ...]) -> list[Path]:
    folders = sorted({data_set_folder(source_of(name)) for name in names})
    of_sets = [folder / part for folder in folders for part in ("annotations.json", "split.json", "images")]
    # The served detector draws the boxes of single products.
    graphs = sorted((REPOSITORY_ROOT / "model_repository").glob("*/*/model.onnx"))
    return [*of_sets, DEMO_RECIPE, *(graphs if any(":products" in name for name in names) else ())]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
