"""An embedder's training run as data: defaults here and in `RunRecipe`, what differs in `recipes/embedder_*.yaml`."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from training.data.errors import SetOptionsError
from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.data.crop_set_options import CropSetOptions, EmbeddingLoss
from training.engine.run_recipe import RecipeError, RunRecipe

__all__ = ["EmbedderRecipe", "RecipeError"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderRecipe(RunRecipe):
    """One run: a trunk with one embedding and any number of heads, taught by several sets at once."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("embedder", "data_sets")
    FREE: ClassVar[tuple[str, ...]] = (*RunRecipe.FREE, "evaluate_on")

    embedder: str
    """Its name; that this field is there tells the recipe from a detector's."""
    data_sets: dict[str, dict[str, Any]]
    """Folders of GENOD_DATA/retrieval or GENOD_DATA/detection, or paths, each with its options
    (`training/embedder/data/crop_set_options.py`): how many crops of it a batch has and which losses they supervise."""
    heads: dict[str, str] = field(default_factory=dict)
    """Heads over the trunk, each `softmax`, where its labels exclude each other, or `multi_label_softmax`. A head's
    labels are those that the sets which supervise it have in their train splits."""
    # The model (docs/EMBEDDER.md).
    trunk: Literal["mobilenet_v1", "resnet50", "resnext101_32x4d", "vit_b_16"] = "mobilenet_v1"
    trunk_from: str = "imagenet_arrays"
    """`imagenet_arrays`, `imagenet`, `scratch`, or the run folder of an earlier recipe."""
    crop_px: int = 224
    """Side of a crop where it is evaluated and served."""
    view_px: int = 0
    """Side of a training view; 0 is `crop_px`. Random resized crops show things larger than they are served, so that
    a trunk that takes any size is better served larger than it was taught (Touvron et al. 2019), for a cheaper run."""
    pooling: Literal["gem", "average"] = "gem"
    embedding_dims: int = 400
    norms: Literal["frozen", "synchronised"] = "frozen"
    """Batch norms: `frozen` folds them into the convolutions, `synchronised` lets them learn over all processes."""
    frozen_blocks: int = 0
    """So many of the trunk's blocks, from the pixels up, stay as they are."""
    # The losses of the embedding, each a mean over what it supervises in the batch, added up with these weights.
    arcface_weight: float = 1.0
    arcface_margin: float = 0.5
    """Radians; of multi_label_arcface too, as the scale."""
    arcface_scale: float = 30.0
    arcface_classes: int = 0
    """ArcFace learns a centre for so many products, those with the most crops; the rest is left to the other losses
    (GrokNet, section 3.3.5, where 188k are). 0 is all."""
    multi_label_arcface_weight: float = 1.0
    pairwise_weight: float = 1.0
    pairwise_power: float = 1.5
    pairwise_positive_margins: tuple[float, float] = (0.1, 0.7)
    pairwise_negative_margins: tuple[float, float] = (0.0, 0.7)
    pairwise_negative_weight: float = 10_000.0
    """The paper's, whose batches have some 4,400 crops and 99.9 % negative pairs."""
    normalised_softmax_weight: float = 1.0
    normalised_softmax_temperature: float = 0.05
    normalised_softmax_classes: int = 0
    """So many classes are in a step's denominator: those of the batch, and others drawn for the step. 0 is all."""
    contrastive_weight: float = 1.0
    contrastive_temperature: float = 0.08
    triplet_weight: float = 1.0
    triplet_margin: float = 0.1
    head_weights: dict[str, float] = field(default_factory=dict)
    """Of a head's loss; 1 where nothing is said."""
    # The optimiser.
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """`sgd` has Nesterov's momentum off, as in the paper."""
    momentum: float = 0.9
    """Of sgd."""
    learning_rate: float = 1e-3
    """For what starts from random numbers: embedding, heads, centres. Cosine schedule down to 1 % of it."""
    trunk_learning_rate: float = 1e-4
    steps_per_epoch: int = 0
    """0 is as many as it takes to show every crop of every set about once."""
    augmentation: dict[str, Any] = field(default_factory=dict)
    """What differs from `training/embedder/data/crop_augmentation.py`; a set may differ again."""
    evaluate_on: tuple[str, ...] = ()
    """Sets whose figures are printed, by the protocols of `evaluate-embedder`."""

    def __post_init__(self) -> None:
        self.check_types()
        self.check_run()
        choices = {
            "trunk": ("mobilenet_v1", "resnet50", "resnext101_32x4d", "vit_b_16"),
            "pooling": ("gem", "average"),
            "norms": ("frozen", "synchronised"),
            "optimizer": ("adamw", "sgd"),
        }
        self.check_choices(choices)
        self.check_positive("crop_px", "embedding_dims", "trunk_learning_rate", "arcface_scale", "pairwise_power")
        self.check_positive("normalised_softmax_temperature", "contrastive_temperature")
        not_negative = (
            "view_px",
            "frozen_blocks",
            "steps_per_epoch",
            "arcface_classes",
            "normalised_softmax_classes",
            "weight_decay",
        )
        for name in (*not_negative, "arcface_margin", "triplet_margin", *(f"{loss}_weight" for loss in LOSSES)):
            if getattr(self, name) < 0:
                raise RecipeError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not 0.0 <= self.momentum < 1.0:
            raise RecipeError(f"momentum must be in [0, 1), got {self.momentum}")
        for name in ("pairwise_positive_margins", "pairwise_negative_margins"):
            low, high = _two_numbers(name, getattr(self, name))
            if not 0.0 <= low < high:
                raise RecipeError(f"{name} must be [low, high] with 0 <= low < high, got [{low}, {high}]")
        if self.view_px and self.trunk == "vit_b_16":
            raise RecipeError("view_px: the trunk vit_b_16 has position embeddings of one size; leave it at 0")
        self._check_sets()
        self._check_heads()

    def set_options(self) -> dict[str, CropSetOptions]:
        """Return the options of each of `data_sets`, checked, by what the recipe calls it."""
        return {name: CropSetOptions.of(name, options) for name, options in self.data_sets.items()}

    def augmentation_of(self, name: str) -> CropAugmentation:
        """Return the augmentation of a set."""
        return CropAugmentation().with_changes(self.augmentation).with_changes(self.set_options()[name].augmentation)

    def embedding_losses(self) -> tuple[EmbeddingLoss, ...]:
        """Return the losses that some set supervises the embedding with, always in one order."""
        used = {loss for options in self.set_options().values() for loss in options.losses}
        return tuple(loss for loss in LOSSES if loss in used)

    def _check_sets(self) -> None:
        if not isinstance(self.data_sets, dict) or not self.data_sets:
            raise RecipeError("data_sets must name one set or more, each with its options")
        try:
            options = self.set_options()
            CropAugmentation().with_changes(self.augmentation)
        except (SetOptionsError, TypeError) as error:
            raise RecipeError(str(error)) from error
        folders = [name.rstrip("/").rpartition("/")[2] for name in options]
        if len(set(folders)) < len(folders):
            raise RecipeError(f"data_sets: two folders have one name among {', '.join(options)}; rename one")

    def _check_heads(self) -> None:
        kinds = ("softmax", "multi_label_softmax")
        for head, kind in self.heads.items():
            if kind not in kinds:
                raise RecipeError(f"heads: {head} must be one of {', '.join(kinds)}, got {kind!r}")
        supervised = {head for options in self.set_options().values() for head in options.heads}
        if unknown := sorted(supervised - set(self.heads)):
            raise RecipeError(f"data_sets supervise the heads {', '.join(unknown)}, which `heads` does not list")
        if idle := sorted(set(self.heads) - supervised):
            raise RecipeError(
                f"heads: nothing supervises {', '.join(idle)}; name it in the `heads` of a set, or drop it"
            )
        for head, weight in self.head_weights.items():
            if head not in self.heads or not isinstance(weight, int | float) or weight < 0:
                raise RecipeError(
                    f"head_weights: {head}: {weight!r} must be 0 or more, for one of {', '.join(self.heads)}"
                )


LOSSES: tuple[EmbeddingLoss, ...] = get_args(EmbeddingLoss)


def _two_numbers(name: str, value: object) -> tuple[float, float]:
    if not isinstance(value, tuple) or len(value) != 2 or not all(isinstance(v, int | float) for v in value):
        raise RecipeError(f"{name} must be two numbers, got {value!r}")
    low, high = value
    return low, high
