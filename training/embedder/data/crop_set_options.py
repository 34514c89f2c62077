"""What a recipe says of one of the sets that an embedder learns from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from training.data.errors import SetOptionsError
from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.data.labelled_crop import CropSplit

EmbeddingLoss = Literal["arcface", "multi_label_arcface", "normalised_softmax", "pairwise", "contrastive", "triplet"]
"""What supervises the embedding; heads are supervised by softmax."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CropSetOptions:
    """One set among those that share the trunk (a row of GrokNet's table 1)."""

    quota: int
    """So many crops of it are in every batch, of all processes together."""
    losses: tuple[EmbeddingLoss, ...] = ()
    """Which losses its crops supervise the embedding with; the others do not see them."""
    heads: dict[str, str] = field(default_factory=dict)
    """Which heads they supervise, each with the kind of label that it learns: `{coarse: coarse}`."""
    identity: str = "product"
    """What makes two crops the same to the embedding: `product`, or a kind of label. A label of the kind `category`
    is the same in all sets; of other kinds, and products, every set has its own."""
    images_per_product: int = 0
    """So many crops of a product stand in a batch together, so that there are pairs, and products are shown equally
    often. 0 shows crops equally often."""
    split: CropSplit = "train"
    roles: tuple[str, ...] = ()
    """Use only crops of these roles; none named is all."""
    min_px: int = 0
    """Leave out boxes whose shorter side is below this."""
    max_images: int = 0
    """Use at most so many crops, drawn once by the recipe's seed; 0 is no limit."""
    held_out_products: tuple[str, ...] = ()
    """Never shown, so that they are unseen when the embedder is judged on them."""
    held_out_share: float = 0.0
    """Hold out this part of the products instead, drawn once by the recipe's seed."""
    augmentation: dict[str, Any] = field(default_factory=dict)
    """What differs from the recipe's."""

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any] | None) -> "CropSetOptions":
        """Check what a recipe gives for the set `name`.

        Raises:
            SetOptionsError: an unknown option, or a value that cannot be followed.
        """
        where = f"data_sets: {name}"
        if not isinstance(values, Mapping) or "quota" not in values:
            raise SetOptionsError(f"{where} must be a mapping of options with `quota`, got {values!r}")
        known = [f.name for f in fields(cls)]
        if unknown := sorted(set(map(str, values)) - set(known)):
            raise SetOptionsError(f"{where}: unknown option {', '.join(unknown)}; known are {', '.join(known)}")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        if isinstance(given.get("heads"), tuple):  # a list of names, each learning its own kind of label
            given["heads"] = {head: head for head in given["heads"]}
        default = cls(quota=1)
        for key, value in given.items():
            _require_type(where, key, value, getattr(default, key))
        options = cls(**given)
        options._check(where)
        return options

    def _check(self, where: str) -> None:
        if self.quota < 1:
            raise SetOptionsError(f"{where}: quota must be 1 or more, got {self.quota}")
        for key in ("images_per_product", "min_px", "max_images"):
            if getattr(self, key) < 0:
                raise SetOptionsError(f"{where}: {key} must be 0 or more, got {getattr(self, key)}")
        if wrong := [loss for loss in self.losses if loss not in get_args(EmbeddingLoss)]:
            raise SetOptionsError(
                f"{where}: losses must be of {', '.join(get_args(EmbeddingLoss))}, got {', '.join(map(str, wrong))}"
            )
        if not self.losses and not self.heads:
            raise SetOptionsError(f"{where} supervises nothing: name losses, or heads")
        if self.split not in get_args(CropSplit):
            raise SetOptionsError(f"{where}: split must be one of {', '.join(get_args(CropSplit))}, got {self.split!r}")
        if not 0.0 <= self.held_out_share < 1.0:
            raise SetOptionsError(f"{where}: held_out_share must be in [0, 1), got {self.held_out_share}")
        if self.held_out_share and self.held_out_products:
            raise SetOptionsError(f"{where}: name held_out_products, or draw a held_out_share; not both")
        try:
            CropAugmentation().with_changes(self.augmentation)
        except SetOptionsError as error:
            raise SetOptionsError(f"{where}: {error}") from error


def _require_type(where: str, option: str, value: object, default: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = is_number if isinstance(default, float) else type(value) is type(default)
    if fits and isinstance(value, tuple):
        fits = all(isinstance(item, str) for item in value)
    if fits and option == "heads" and isinstance(value, dict):
        fits = all(isinstance(item, str) for pair in value.items() for item in pair)
    if not fits:
        wanted = {int: "a whole number", float: "a number", tuple: "a list of names", dict: "a mapping of names"}
        raise SetOptionsError(f"{where}: {option} must be {wanted.get(type(default), 'text')}, got {value!r}")
