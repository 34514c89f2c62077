"""A training run as data: defaults here, what differs in `recipes/*.yaml`."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from training.data.errors import SetOptionsError
from training.data.set_options import SetOptions

Architecture = Literal[
    "shufflenet_ghostpan",
    "resnet50_fpn",
    "resnet50_fpn_dcn",
    "resnet101_fpn",
    "resnet101_fpn_dcn",
    "mobilenet_v3_fpn",
    "vit_simple_pyramid",
]
TEACHER_ARCHITECTURE = "shufflenet_ghostpan"
"""Of the teachers' arrays, which `backbone_from` may name."""


class RecipeError(ValueError):
    """A recipe that cannot be run; the message names the file and the field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One run: the shared backbone with a head, or a head alone on a frozen backbone."""

    head: str
    """Name of the served model the run trains, e.g. head_generic."""
    # The data: one set whose labels are the head's classes, or several whose categories are.
    data_set: str = ""
    """Folder under GENOD_DATA/detection; its labels are the head's classes."""
    data_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Instead of data_set: several folders, each with its options (`training/data/set_options.py`, `{}` for none). The
    head's classes are all categories that they label; what a set does not label is unknown on its photos."""
    min_boxes_per_class: int = 0
    """With data_sets: photos of rarer categories are repeated until an epoch shows so many boxes of each (N_min of
    GenOD, section 4.1, which takes 2000). 0 repeats none."""
    max_photo_repeats: int = 10_000
    """With min_boxes_per_class: how often an epoch shows one photo at most. A category of very few photos then stays
    below the minimum."""
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
    # The model: a backbone with its pyramid, and a detection head over it (docs/MODELS.md).
    architecture: Architecture = "shufflenet_ghostpan"
    """Backbone and feature pyramid."""
    detector: Literal["fcos", "retinanet"] = "fcos"
    """The head over the pyramid."""
    towers: Literal["separable", "full"] = "separable"
    """Of an FCOS head: `separable` is slim, with towers of its own for every level; `full` is as in the paper, 3x3
    convolutions as wide as the pyramid, shared by the levels. RetinaNet's are always as in its paper."""
    pyramid_channels: int = 256
    """Width of P3..P7; shufflenet_ghostpan's is always 128."""
    backbone: Literal["train", "frozen"] = "train"
    """`frozen` leaves the backbone bit-identical, so that other heads cannot move."""
    backbone_from: str = "nanodet_plus_m15_416"
    """A folder under GENOD_DATA/teachers; or, relative to this checkout, the run folder of an earlier recipe, or the
    model repository whose served backbone it is: `model_repository`; or `imagenet`, torchvision's published weights,
    downloaded once; or `scratch`, random numbers."""
    head_from: str = ""
    """With backbone_from a model repository: the served head to start from, layer by layer where the sizes agree, and
    with the classifiers of the categories that both have. Empty starts from nothing."""
    tower_depth: int = 2
    """Blocks in front of an FCOS head's outputs; 0 is the slimmest, 4 the paper's."""
    tower_channels: int = 128
    """Width of separable towers. A head costs about in proportion to depth times width."""
    classified_locations: int = 0
    """So many locations of each level at most are classified when detecting, the best by an objectness that is learnt
    beside the classes: what keeps the cost of 900 classes down. 0 classifies all."""
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
    """Part of the photos without the head's classes, of `negatives` and of `also_labelled`, that an epoch shows, drawn
    anew for each."""
    vertical_flip: bool = False
    """Also show photos upside down; for things seen from above, which have no up."""
    seed: int = 0
    # The engine: where and in which numbers it computes, and how often it saves.
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` is a GPU where there is one. `images_per_step` counts all processes of a `torchrun` together."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Of the detector's forward and backward pass; weights, losses and the optimiser stay FP32. `fp16` needs a GPU."""
    accumulate_steps: int = 1
    """So many batches' gradients are averaged before the weights move; `warmup_steps` counts batches."""
    checkpoint_every_steps: int = 100
    """Besides at the end of every epoch. 0 saves then only."""
    loader_workers: int | Literal["auto"] = "auto"
    """Processes that load photos, for each that trains; `auto` is one less than there are cores, 1 to 8."""

    def __post_init__(self) -> None:
        self._check_types()
        self._check_data()
        self._check_model()
        self._check_engine()
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

    def _check_data(self) -> None:
        if bool(self.data_set) == bool(self.data_sets):
            raise RecipeError("data_set must be given, or data_sets in its place")
        if self.min_boxes_per_class < 0 or self.max_photo_repeats < 1:
            raise RecipeError(
                f"min_boxes_per_class must be 0 or more and max_photo_repeats 1 or more, got "
                f"{self.min_boxes_per_class} and {self.max_photo_repeats}"
            )
        if not self.data_sets:
            if self.min_boxes_per_class:
                raise RecipeError("min_boxes_per_class needs data_sets; with one set say `data_sets: {<set>: {}}`")
            return
        try:
            for name, options in self.data_sets.items():
                SetOptions.of(name, options)
        except (SetOptionsError, TypeError) as error:
            raise RecipeError(str(error)) from error
        if len(self.set_options()) < len(self.data_sets):
            raise RecipeError(f"data_sets: two folders have one name among {', '.join(self.data_sets)}; rename one")
        of_one_set = ("labels", "categories", "also_labelled", "negatives", "unlabelled", "keep_teacher_classifier")
        if given := [name for name in (*of_one_set, "vertical_flip") if getattr(self, name)]:
            raise RecipeError(f"with data_sets there is no {', '.join(given)}; say it in the options of each set")
        if self.repeat != 1:
            raise RecipeError("with data_sets there is no repeat; say it in the options of a set")

    def _check_types(self) -> None:
        """Refuse what YAML read as something else than was meant: `1e-4` without a point is text."""
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type is float and isinstance(value, int) and not isinstance(value, bool):
                continue
            if f.type in (bool, int, float, str) and type(value) is not f.type:
                hint = "; YAML wants a point in it, as in 1.0e-4" if f.type is float and isinstance(value, str) else ""
                raise RecipeError(f"{f.name} must be {getattr(f.type, '__name__', f.type)}, got {value!r}{hint}")

    def _check_model(self) -> None:
        choices: dict[str, tuple[str, ...]] = {
            "architecture": get_args(Architecture),
            "detector": ("fcos", "retinanet"),
            "towers": ("separable", "full"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.pyramid_channels < 32 or self.pyramid_channels % 32:
            raise RecipeError(f"pyramid_channels must be a multiple of 32, got {self.pyramid_channels}")
        if self.classified_locations < 0 or (self.classified_locations and self.detector != "fcos"):
            raise RecipeError(
                f"classified_locations must be 0 or more, 0 with detector retinanet; got {self.classified_locations}"
            )
        is_slim = self.detector == "fcos" and self.towers == "separable"
        if self.keep_teacher_classifier and not (is_slim and self.architecture == TEACHER_ARCHITECTURE):
            raise RecipeError(
                f"keep_teacher_classifier: the teacher is a {TEACHER_ARCHITECTURE} with detector fcos, towers separable"
            )

    def _check_engine(self) -> None:
        choices = {"device": ("auto", "cpu", "cuda"), "precision": ("fp32", "bf16", "fp16")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.accumulate_steps < 1 or self.checkpoint_every_steps < 0:
            raise RecipeError(
                f"accumulate_steps must be 1 or more and checkpoint_every_steps 0 or more, got "
                f"{self.accumulate_steps} and {self.checkpoint_every_steps}"
            )
        workers = self.loader_workers
        if workers != "auto" and (not isinstance(workers, int) or workers < 0):
            raise RecipeError(f"loader_workers must be auto or 0 or more, got {workers!r}")

    def trains_as(self, other: "Recipe") -> bool:
        """Whether a run of `other` can be gone on with by this recipe: equal but for what leaves the result alone."""
        free = ("device", "checkpoint_every_steps", "loader_workers", "evaluate_every_epochs", "feature_cache_gib")
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(self) if f.name not in free)

    def set_options(self) -> dict[str, SetOptions]:
        """Return the options of each of `data_sets`, checked, by the name of its folder."""
        return {name.rstrip("/").rpartition("/")[2]: SetOptions.of(name, o) for name, o in self.data_sets.items()}

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read a recipe file; an unknown field is an error that lists the known ones."""
        return cls.parse(path.read_text(), source=str(path))

    @classmethod
    def parse(cls, text: str, *, source: str) -> "Recipe":
        """Read a recipe's text; errors name the source."""
        try:
            values: Any = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RecipeError(f"{source} is no YAML: {' '.join(str(error).split())}") from error
        if not isinstance(values, dict):
            raise RecipeError(f"{source} must be a mapping of fields to values")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(str(name) for name in set(values) - known):
            raise RecipeError(f"{source}: unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        if "head" not in values:
            raise RecipeError(f"{source}: head must be given")
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        try:
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from error

    def as_yaml(self) -> str:
        """Return the recipe with every default filled in."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return yaml.safe_dump(values, sort_keys=False)
