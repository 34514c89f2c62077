"""What a recipe's sets hold: the crops to learn from, what each of them says, and what is held out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from training.data.problems import DataProblem
from training.embedder.data.crop_set_options import CropSetOptions
from training.embedder.data.labelled_crop import LabelledCrop
from training.embedder.data.quota_batches import Quota
from training.embedder.data.read_crop_set import crop_set_folder, read_whole_crop_set
from training.embedder.engine.recipe import EmbedderRecipe
from training.engine.errors import DataError
from training.engine.seeds import derived_seed

SHARED_KIND = "category"
"""Labels of this kind are the taxonomy's, and mean the same in every set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """An embedder's data."""

    crops: Sequence[LabelledCrop]
    """Of all sets, one behind the other."""
    options: Sequence[CropSetOptions]
    """Of each crop's set."""
    quotas: Sequence[Quota]
    held_out: Mapping[str, Sequence[str]]
    """Products of each set that are never shown."""
    problems: Mapping[str, Sequence[DataProblem]]
    """What is broken in each split that was read, by "<set> <split>"."""


def read_training_data(recipe: EmbedderRecipe) -> TrainingData:
    """Read and arrange what a recipe names.

    Raises:
        DataError: nothing is left of a set, or it does not say what it is to teach.
        FileNotFoundError, ReaderError: there is no such set.
    """
    crops: list[LabelledCrop] = []
    options_of_crop: list[CropSetOptions] = []
    quotas, held_out, problems = [], {}, {}
    for name, options in recipe.set_options().items():
        read = read_whole_crop_set(name, options.split)
        problems[f"{read.name} {options.split}"] = read.problems
        unseen = held_out[read.name] = held_out_products(recipe, name, read.crops)
        chosen = _chosen(read.crops, options, unseen, seed=recipe.seed)
        if not chosen:
            raise DataError(f"data_sets: {name}: no crop is left of its split {options.split}; look at its options")
        first = len(crops)
        crops += chosen
        options_of_crop += [options] * len(chosen)
        quotas.append(_quota(options, chosen, first))
    return TrainingData(crops=crops, options=options_of_crop, quotas=quotas, held_out=held_out, problems=problems)


def held_out_products(recipe: EmbedderRecipe, name: str, crops: Sequence[LabelledCrop]) -> tuple[str, ...]:
    """Return the products, or what the set's `identity` says, that a recipe never shows of one of its sets.

    Args:
        recipe: that names the set.
        name: of the set in the recipe.
        crops: of the set, of any split that shows all its products.

    Raises:
        DataError: it names one that the set does not have.
    """
    options = recipe.set_options()[name]
    products = sorted({own for crop in crops for own in _own_names(crop, options.identity)})
    if unknown := sorted(set(options.held_out_products) - set(products)):
        raise DataError(f"data_sets: {name}: held_out_products: there is no {', '.join(unknown)}")
    if options.held_out_products:
        return tuple(sorted(options.held_out_products))
    folder = crop_set_folder(name).name
    drawn = sorted(products, key=lambda product: derived_seed("held out", recipe.seed, folder, product))
    return tuple(sorted(drawn[: round(options.held_out_share * len(products))]))


def identities(crop: LabelledCrop, kind: str) -> tuple[str, ...]:
    """Return by what a crop is the same as another: names that sets share only where they mean the same."""
    shared = "" if kind == SHARED_KIND else crop.data_set
    return tuple(f"{shared}/{own}" for own in _own_names(crop, kind))


def _own_names(crop: LabelledCrop, kind: str) -> tuple[str, ...]:
    if kind == "product":
        return () if crop.product is None else (crop.product,)
    return crop.labels.get(kind, ())


def _chosen(
    crops: Sequence[LabelledCrop], options: CropSetOptions, unseen: Sequence[str], *, seed: int
) -> list[LabelledCrop]:
    hidden = set(unseen)
    kept = [
        crop
        for crop in crops
        if (not options.roles or crop.role in options.roles)
        and _shorter_side_px(crop) >= options.min_px
        and hidden.isdisjoint(_own_names(crop, options.identity))
        and _teaches(crop, options)
    ]
    if not options.max_images or len(kept) <= options.max_images:
        return kept
    generator = torch.Generator().manual_seed(derived_seed("max_images", seed, kept[0].data_set))
    drawn = torch.randperm(len(kept), generator=generator)[: options.max_images]
    return [kept[k] for k in sorted(drawn.tolist())]


def _teaches(crop: LabelledCrop, options: CropSetOptions) -> bool:
    """Whether there is anything that the crop could supervise."""
    has_identity = bool(options.losses and _own_names(crop, options.identity))
    return has_identity or any(crop.labels.get(kind) for kind in options.heads.values())


def _shorter_side_px(crop: LabelledCrop) -> float:
    if crop.box_xyxy_px is None:
        return float("inf")
    x1, y1, x2, y2 = crop.box_xyxy_px
    return min(x2 - x1, y2 - y1)


def _quota(options: CropSetOptions, crops: Sequence[LabelledCrop], first: int) -> Quota:
    crops_of_product: dict[str, list[int]] = {}
    for index, crop in enumerate(crops, start=first):
        for name in _group_names(crop, options):
            crops_of_product.setdefault(name, []).append(index)
    return Quota(
        data_set=crops[0].data_set,
        crops_per_batch=options.quota,
        crops_of_product=crops_of_product,
        images_per_product=options.images_per_product,
    )


def _group_names(crop: LabelledCrop, options: CropSetOptions) -> Iterator[str]:
    """One group for each crop: by its first name where products are balanced, else all are in one."""
    names = _own_names(crop, options.identity) if options.images_per_product else ()
    yield names[0] if names else ""
