"""A training run as data: defaults here, what differs in `recipes/*.yaml`."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml


class RecipeError(ValueError):
    """A recipe that cannot be run; the message names the file and the field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One run: the shared backbone with a head, or a head alone on a frozen backbone."""

    head: str
    """Name of the served model the run trains, e.g. head_generic."""
    data_set: str
    """Folder under GENOD_DATA/detection; its labels are the head's classes."""
    labels: tuple[str, ...] = ()
    """Which of its labels; none named is all. What else its photos show is background to the head."""
    categories: dict[str, list[str]] = field(default_factory=dict)
    """Labels that no mapping file knows yet, each with the parents of its category: `raccoon: [carnivore]`. Training
    adds them to the taxonomy and writes the mapping; a category that exists already keeps its parents."""
    also_labelled: tuple[str, ...] = ()
    """Further sets that label the head's classes, under whatever name; the rest of their labels is background."""
    negatives: tuple[str, ...] = ()
    """Further sets whose photos hold none of the head's classes: background only."""
    unlabelled: tuple[str, ...] = ()
    """Further sets whose photos may hold any: only the teacher's word counts there."""
    backbone: Literal["train", "frozen"] = "train"
    """`frozen` leaves the backbone bit-identical, so that other heads cannot move."""
    backbone_from: str = "nanodet_plus_m15_416"
    """A folder under GENOD_DATA/teachers; or, relative to this checkout, the run folder of an earlier recipe, or the
    model repository whose served backbone it is: `model_repository`."""
    head_from: str = ""
    """With backbone_from a model repository: the served head to start from, layer by layer where the sizes agree, and
    with the classifiers of the categories that both have. Empty starts from nothing."""
    tower_depth: int = 2
    """Depth-wise separable blocks in front of the head's outputs; 0 is the slimmest."""
    tower_channels: int = 128
    """Their width. A head costs about in proportion to depth times width."""
    cached_views: int = 0
    """With a frozen backbone: so many random views of each photo are drawn once, and their features kept on disk, so
    that an epoch costs the head alone. 0 draws a new view every epoch and keeps nothing."""
    feature_cache_gib: float = 20.0
    """The features' place on disk; the least recently used go first."""
    keep_teacher_classifier: bool = False
    """Start from the teacher's 80-class output layer too; only where the head's classes are its classes, in order."""
    supervised_weight: float = 1.0
    """Weight of the losses from boxes."""
    distillation_weight: float = 0.0
    """Weight of the loss from the teacher's dense outputs."""
    epochs: int = 10
    evaluate_every_epochs: int = 1
    """How often the metrics on the val split are printed; the last epoch's always are."""
    images_per_step: int = 8
    learning_rate: float = 1e-4
    """Of AdamW, for layers that start from trained arrays; cosine schedule down to 1 % of it."""
    new_layer_learning_rate: float = 1e-3
    """For layers that start from random numbers."""
    weight_decay: float = 0.01
    warmup_steps: int = 50
    gradient_clip_norm: float = 5.0
    ema_decay: float = 0.998
    """Of the averaged weights, which are the ones evaluated and exported."""
    repeat: int = 1
    """How often an epoch shows each photo of `data_set`, whose classes may be few among the negatives."""
    shorter_side_range_px: tuple[int, int] = (300, 500)
    negatives_share: float = 1.0
    """Part of the negatives' photos that an epoch shows, drawn anew for each."""
    vertical_flip: bool = False
    """Also show photos upside down; for things seen from above, which have no up."""
    seed: int = 0

    def __post_init__(self) -> None:
        positive = ("epochs", "images_per_step", "learning_rate", "repeat", "tower_channels", "evaluate_every_epochs")
        for name in positive:
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0.0 <= self.ema_decay < 1.0:
            raise RecipeError(f"ema_decay must be in [0, 1), got {self.ema_decay}")
        low, high = self.shorter_side_range_px
        if not 32 <= low <= high:
            raise RecipeError(f"shorter_side_range_px must be [low, high] with 32 <= low <= high, got [{low}, {high}]")
        if self.unlabelled and not self.distillation_weight:
            raise RecipeError("unlabelled photos teach nothing while distillation_weight is 0: set it, or drop them")
        if self.distillation_weight and not self.keep_teacher_classifier:
            raise RecipeError("distillation_weight needs keep_teacher_classifier: the teacher's classes must be ours")
        if not 0.0 < self.negatives_share <= 1.0:
            raise RecipeError(f"negatives_share must be in (0, 1], got {self.negatives_share}")
        if self.tower_depth < 0 or self.cached_views < 0:
            raise RecipeError(
                f"tower_depth and cached_views must be 0 or more, got {self.tower_depth}, {self.cached_views}"
            )
        if self.cached_views and self.backbone != "frozen":
            raise RecipeError("cached_views needs backbone: frozen, since the features of a moving backbone grow stale")
        if self.cached_views and (self.unlabelled or self.distillation_weight):
            raise RecipeError("cached_views keeps features and no pixels: a teacher has nothing to look at")
        if self.backbone not in ("train", "frozen"):
            raise RecipeError(f"backbone must be train or frozen, got {self.backbone!r}")

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read a recipe file; an unknown field is an error that lists the known ones."""
        values: Any = yaml.safe_load(path.read_text())
        if not isinstance(values, dict):
            raise RecipeError(f"{path} must be a mapping of fields to values")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise RecipeError(f"{path}: unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        if missing := sorted({"head", "data_set"} - set(values)):
            raise RecipeError(f"{path}: {', '.join(missing)} must be given")
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        try:
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from error

    def as_yaml(self) -> str:
        """Return the recipe with every default filled in."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return yaml.safe_dump(values, sort_keys=False)
