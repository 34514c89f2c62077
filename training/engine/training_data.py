"""What a recipe's data fields name: the photos to learn from, the head's classes, and what validates them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from training.data.augmentation import CanvasAugmentation
from training.data.coco_photos import CocoPhotos, LabelledPhoto, Split
from training.data.merged_photos import MergedPhotos, ancestor_table, in_categories
from training.data.photo_check import PhotoChecks
from training.data.problems import DataProblem
from training.data.roots import REPOSITORY_ROOT, data_set_folder
from training.data.set_options import SetOptions
from training.data.training_photos import TrainingPhotos
from training.engine.recipe import Recipe, RecipeError
from training.taxonomy import TaxonomyError, load_mapping_of, load_taxonomy
from training.taxonomy.mapping import load_mappings


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """One head's data."""

    classes: tuple[str, ...]
    """What the photos call the head's classes: labels of the one set, or categories of several."""
    photos: TrainingPhotos
    validation: Mapping[str, CocoPhotos]
    """The val split of each set whose metrics are of interest, with `classes` among its labels."""
    problems: Mapping[str, Sequence[DataProblem]]
    """What is broken in each split that was read, by "<set> <split>"."""


def training_data(recipe: Recipe) -> TrainingData:
    """Read and arrange what a recipe names.

    Raises:
        RecipeError: the recipe names labels or sets that do not fit together.
    """
    return _merged(recipe) if recipe.data_sets else _one_set(recipe)


def head_classes(recipe: Recipe) -> tuple[str, ...]:
    """Return what the photos call the head's classes, in the order of the head."""
    if not recipe.data_sets:
        return head_labels(recipe, CocoPhotos(data_set_folder(recipe.data_set), "val"))
    return MergedPhotos.of(sets_in_categories(recipe, "val"), recipe.set_options(), load_taxonomy()).category_names


def class_category_ids(recipe: Recipe, data_set: str, classes: Sequence[str]) -> list[int]:
    """Return the taxonomy id of each class.

    Args:
        recipe: of a merged head, whose classes are categories, or of one set's.
        data_set: in whose words the classes of one set's head are.
        classes: labels or categories.
    """
    taxonomy = load_taxonomy()
    if recipe.data_sets:
        return [taxonomy.id_of(name) for name in classes]
    mapping = load_mapping_of(data_set, taxonomy)
    return [mapping.category_id(label) for label in classes]


def head_labels(recipe: Recipe, photos: CocoPhotos) -> tuple[str, ...]:
    """Return the labels of `data_set` that are the head's classes, in their order.

    Raises:
        RecipeError: the recipe names one that the data set does not have.
    """
    if unknown := sorted(set(recipe.labels) - set(photos.category_names)):
        raise RecipeError(
            f"labels: {photos.name} has no {', '.join(unknown)}; it has {', '.join(photos.category_names)}"
        )
    return recipe.labels or photos.category_names


def in_words_of(data_set: str, photos: CocoPhotos) -> list[LabelledPhoto]:
    """Return the photos of another set with its labels exchanged for those by which `data_set` means the same category.

    A label for which it has none gets its set's name in front, so that it is background and never taken for another.
    Where the other set annotates fewer classes, the missing ones are unknown on its photos.
    """
    taxonomy = load_taxonomy()
    own_label_by_id = {i: label for label, i in load_mapping_of(data_set, taxonomy).category_id_by_label.items()}
    theirs = load_mapping_of(photos.name, taxonomy)
    translation = {
        label: own_label_by_id.get(theirs.category_id(label), f"{photos.name}: {label}")
        for label in photos.category_names
    }
    everything = frozenset(photos.category_names)
    return [
        replace(
            photo,
            labels=tuple(translation[label] for label in photo.labels),
            annotated_labels=frozenset(
                translation[label]
                for label in (everything if photo.annotated_labels is None else photo.annotated_labels)
            ),
            not_exhaustive_labels=frozenset(translation[label] for label in photo.not_exhaustive_labels),
        )
        for photo in photos.photos
    ]


def _one_set(recipe: Recipe) -> TrainingData:
    labelled = read_split(recipe.data_set, "train")
    labels = head_labels(recipe, labelled)
    also_labelled = [read_split(name, "train") for name in recipe.also_labelled]
    negatives = [read_split(name, "train") for name in recipe.negatives]
    unlabelled = [read_split(name, "train") for name in recipe.unlabelled]
    for photos in negatives:
        if shared := set(photos.category_names) & set(labels):
            raise RecipeError(
                f"negatives {photos.name} has labels of {labelled.name}: {', '.join(sorted(shared))}. Name it under "
                "also_labelled if they mean the same."
            )
    others = [p for s in also_labelled for p in in_words_of(labelled.name, s)]
    with_objects = [p for p in others if not set(labels).isdisjoint(p.labels)]
    without = [p for p in others if set(labels).isdisjoint(p.labels)]
    training_photos = TrainingPhotos(
        (labelled.photos + with_objects) * recipe.repeat,
        without + [p for s in negatives for p in s.photos],
        [p for s in unlabelled for p in s.photos],
        labels,
        CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px, vertical_flip=recipe.vertical_flip),
        is_ancestor=_ancestors_of_labels(recipe, labelled.name, labels),
    )
    validation = read_split(recipe.data_set, "val")
    return TrainingData(
        classes=labels,
        photos=training_photos,
        validation={validation.name: validation},
        problems=_problems([labelled, *also_labelled, *negatives, *unlabelled, validation]),
    )


def _ancestors_of_labels(recipe: Recipe, data_set: str, labels: Sequence[str]) -> Tensor | None:
    """What lies above what among one set's labels; None where nobody has said what they mean."""
    try:
        ids = class_category_ids(recipe, data_set, labels)
    except TaxonomyError:
        return None
    return ancestor_table(ids, load_taxonomy()) if len(set(ids)) == len(ids) else None


def _merged(recipe: Recipe) -> TrainingData:
    options = recipe.set_options()
    taxonomy = load_taxonomy()
    train, val = (sets_in_categories(recipe, split) for split in ("train", "val"))
    merged = merge(recipe, train)
    augmentation = {
        name: CanvasAugmentation(
            shorter_side_range_px=_sides(recipe, of_set),
            horizontal_flip=of_set.horizontal_flip,
            vertical_flip=of_set.vertical_flip,
            half_turn=of_set.half_turn,
        )
        for name, of_set in options.items()
    }
    photos = TrainingPhotos(
        merged.shown_photos(),
        [],
        [],
        merged.category_names,
        CanvasAugmentation(shorter_side_range_px=recipe.shorter_side_range_px),
        augmentation_of_set=augmentation,
        is_ancestor=ancestor_table(merged.category_ids, taxonomy),
    )
    return TrainingData(
        classes=merged.category_names,
        photos=photos,
        validation={of_set.name: of_set for of_set in val},
        problems=_problems([*train, *val]),
    )


def _sides(recipe: Recipe, of_set: SetOptions) -> tuple[int, int]:
    if not of_set.shorter_side_range_px:
        return recipe.shorter_side_range_px
    low, high = of_set.shorter_side_range_px
    return low, high


def merge(recipe: Recipe, train: Sequence[CocoPhotos]) -> MergedPhotos:
    """Return the train photos of a recipe's `data_sets`, sampled as the recipe says."""
    return MergedPhotos.of(
        train,
        recipe.set_options(),
        load_taxonomy(),
        min_boxes_per_class=recipe.min_boxes_per_class,
        max_repeats=recipe.max_photo_repeats,
        seed=recipe.seed,
    )


def merged_photos(recipe: Recipe) -> MergedPhotos:
    """Read and merge the train photos of a recipe's `data_sets`."""
    return merge(recipe, sets_in_categories(recipe, "train"))


def read_split(name: str, split: Split, *, annotations_file: str = "") -> CocoPhotos:
    """Read a split without the photos that cannot be read; what is broken is in its `problems`."""
    folder = data_set_folder(name)
    path_sha256 = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    memory = REPOSITORY_ROOT / "runs" / "photo_checks" / f"{folder.name}-{split}-{path_sha256[:8]}.json"
    photos = CocoPhotos(folder, split, annotations_file=annotations_file)
    return photos.without_broken_photos(PhotoChecks(memory))


def sets_in_categories(recipe: Recipe, split: Split) -> list[CocoPhotos]:
    """Read a split of each of a recipe's `data_sets`, with categories as labels."""
    taxonomy = load_taxonomy()
    mappings = {name: m for m in load_mappings(taxonomy) for name in (m.dataset, *m.subsets)}
    sets = []
    for name, options in zip(recipe.data_sets, recipe.set_options().values(), strict=True):
        photos = read_split(name, split, annotations_file=options.annotations if split == "train" else "")
        meaning = options.mapping or photos.name
        # What is not there is asked for again, for its message.
        mapping = mappings.get(meaning) or load_mapping_of(meaning, taxonomy)
        sets.append(in_categories(photos, mapping, taxonomy))
    return sets


def _problems(sets: Sequence[CocoPhotos]) -> dict[str, Sequence[DataProblem]]:
    return {f"{photos.name} {photos.split}": photos.problems for photos in sets}
