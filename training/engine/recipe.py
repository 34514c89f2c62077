"""A detector's training run as data: defaults here and in `RunRecipe`, what differs in `recipes/*.yaml`."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from training.data.errors import SetOptionsError
from training.data.set_options import SetOptions
from training.engine.run_recipe import RecipeError, RunRecipe

__all__ = ["TEACHER_ARCHITECTURE", "Architecture", "Recipe", "RecipeError"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe(RunRecipe):
    """One run: the shared backbone with a head, or a head alone on a frozen backbone."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("head",)
    FREE: ClassVar[tuple[str, ...]] = (*RunRecipe.FREE, "feature_cache_gib")

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
    images_per_step: int = 8
    learning_rate: float = 1e-4
    """Of AdamW, for layers that start from trained arrays; cosine schedule down to 1 % of it."""
    new_layer_learning_rate: float = 1e-3
    """For layers that start from random numbers."""
    repeat: int = 1
    """How often an epoch shows each photo of `data_set`, whose classes may be few among the negatives."""
    shorter_side_range_px: tuple[int, int] = (300, 500)
    negatives_share: float = 1.0
    """Part of the photos without the head's classes, of `negatives` and of `also_labelled`, that an epoch shows, drawn
    anew for each."""
    vertical_flip: bool = False
    """Also show photos upside down; for things seen from above, which have no up."""

    def __post_init__(self) -> None:
        self.check_types()
        self._check_data()
        self._check_model()
        self.check_run()
        self.check_positive("images_per_step", "repeat", "tower_channels")
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

    def _check_model(self) -> None:
        choices: dict[str, tuple[str, ...]] = {
            "architecture": get_args(Architecture),
            "detector": ("fcos", "retinanet"),
            "towers": ("separable", "full"),
        }
        self.check_choices(choices)
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

    def set_options(self) -> dict[str, SetOptions]:
        """Return the options of each of `data_sets`, checked, by the name of its folder."""
        return {name.rstrip("/").rpartition("/")[2]: SetOptions.of(name, o) for name, o in self.data_sets.items()}
