"""Several data sets as one: a head over all their categories, and what each photo knows of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from training.data.class_balance import MAX_REPEATS, boxes_per_class, repeats_per_photo
from training.data.coco_photos import CocoPhotos, category_of_oracle_label
from training.data.errors import SetOptionsError
from training.data.labelled_photo import LabelledPhoto
from training.data.problems import DataProblem
from training.data.set_options import SetOptions
from training.taxonomy import DatasetMapping, Taxonomy


def in_categories(photos: CocoPhotos, mapping: DatasetMapping, taxonomy: Taxonomy) -> CocoPhotos:
    """Return a split with the categories that its labels mean, ids and names, in place of its own words.

    Boxes of labels that the mapping names under `unmapped` are left out, and counted in `problems`. Labels that only an
    oracle gave are names of categories already.

    Raises:
        UnmappedLabelError: the mapping does not name all labels.
    """
    ids = {name: taxonomy.id_of(category_of_oracle_label(name)) for name in photos.oracle_category_names}
    own = [label for label in photos.human_category_names if label not in mapping.reason_by_unmapped_label]
    mapping.require_labels(own)
    ids |= {label: mapping.category_id(label) for label in own}
    renamed = photos.in_other_words({label: (i, taxonomy.name_of(i)) for label, i in ids.items()})
    dropped = [
        DataProblem("label without category", photo.path.name, label)
        for photo in photos.photos
        for label in photo.labels
        if label not in ids
    ]
    renamed.problems = photos.problems + dropped
    return renamed


def ancestor_table(category_ids: Sequence[int], taxonomy: Taxonomy) -> Tensor:
    """BOOL [C, C]: [i, j] says that category j is a strict ancestor of category i."""
    index = {category_id: k for k, category_id in enumerate(category_ids)}
    table = torch.zeros(len(index), len(index), dtype=torch.bool)
    for category_id, row in index.items():
        table[row, [index[a] for a in taxonomy.ancestors(category_id) if a in index]] = True
    return table


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedPhotos:
    """The photos of a merged data set and how often an epoch shows each."""

    category_ids: tuple[int, ...]
    """The head's classes: every category that a set labels, once, in the order of the sets, then of their ids."""
    category_names: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]
    """After downsampling, each once, with categories as labels."""
    repeats: tuple[int, ...]
    """How often an epoch shows each photo."""
    num_photos_before: Mapping[str, int]
    """Train photos of each set before downsampling."""

    @classmethod
    def of(
        cls,
        sets: Sequence[CocoPhotos],
        options: Mapping[str, SetOptions],
        taxonomy: Taxonomy,
        *,
        min_boxes_per_class: int = 0,
        max_repeats: int = MAX_REPEATS,
        seed: int = 0,
    ) -> "MergedPhotos":
        """Merge splits that are already in categories.

        Args:
            sets: what `in_categories` returned.
            options: of each set by its name.
            taxonomy: that of the categories.
            min_boxes_per_class: every category is upsampled to so many boxes, see `repeats_per_photo`.
            max_repeats: how often one photo is shown at most because of that.
            seed: draws the photos that are kept and repeated.

        Raises:
            SetOptionsError: `holds_none_of` names neither a set nor a category of the head, or one that the set labels.
        """
        name_by_id = {s.category_ids[name]: name for s in sets for name in s.human_category_names}
        absent = {s.name: _absent_categories(s, sets, options[s.name], set(name_by_id.values())) for s in sets}
        photos: list[LabelledPhoto] = []
        for photo_set in sets:
            of_set = options[photo_set.name]
            own = frozenset(photo_set.human_category_names)
            photos += [
                replace(
                    photo,
                    annotated_labels=_annotated(photo, own) | absent[photo_set.name],
                    not_exhaustive_labels=photo.not_exhaustive_labels if of_set.exhaustive else own,
                )
                for photo in _kept(photo_set, of_set, seed)
            ]
        repeats = repeats_per_photo(
            [photo.labels for photo in photos],
            tuple(name_by_id.values()),
            min_boxes_per_class=min_boxes_per_class,
            max_repeats=max_repeats,
            initial_repeats=[options[photo.data_set].repeat for photo in photos],
            seed=seed,
        )
        return cls(
            category_ids=tuple(name_by_id),
            category_names=tuple(name_by_id.values()),
            photos=tuple(photos),
            repeats=tuple(repeats),
            num_photos_before={s.name: len(s.photos) for s in sets},
        )

    def shown_photos(self) -> list[LabelledPhoto]:
        """Return what an epoch shows: each photo as often as it is repeated."""
        return [photo for photo, count in zip(self.photos, self.repeats, strict=True) for _ in range(count)]

    def boxes_before(self) -> dict[str, int]:
        """Count the boxes of each category with every photo once."""
        return boxes_per_class([photo.labels for photo in self.photos], self.category_names)

    def boxes_after(self) -> dict[str, int]:
        """Count the boxes of each category as an epoch shows them."""
        return boxes_per_class([photo.labels for photo in self.photos], self.category_names, self.repeats)


def _absent_categories(
    photo_set: CocoPhotos, sets: Sequence[CocoPhotos], options: SetOptions, all_names: set[str]
) -> frozenset[str]:
    """Categories that a set does not label and of which its photos are said to hold nothing."""
    names_of_set = {s.name: frozenset(s.human_category_names) for s in sets}
    absent: set[str] = set()
    for name in options.holds_none_of:
        if name not in names_of_set and name not in all_names:
            raise SetOptionsError(
                f"data_sets: {photo_set.name}: holds_none_of: {name} is neither a set of the recipe "
                f"({', '.join(names_of_set)}) nor a category of one"
            )
        absent |= names_of_set.get(name, {name})
    if labelled := sorted(absent & names_of_set[photo_set.name]):
        raise SetOptionsError(
            f"data_sets: {photo_set.name}: holds_none_of: the set labels {', '.join(labelled)} itself; name only "
            "categories that it does not label"
        )
    return frozenset(absent)


def _annotated(photo: LabelledPhoto, by_its_set: frozenset[str]) -> frozenset[str]:
    return by_its_set if photo.annotated_labels is None else photo.annotated_labels


def _kept(photo_set: CocoPhotos, options: SetOptions, seed: int) -> list[LabelledPhoto]:
    """Draw the photos to keep, in their old order; the same ones in every run with the same seed."""
    photos = photo_set.photos
    count = round(options.keep_share * len(photos))
    if options.max_photos:
        count = min(count, options.max_photos)
    if count >= len(photos):
        return photos
    digests = [hashlib.sha1(f"{seed} {photo.path.name}".encode()).digest() for photo in photos]
    drawn = sorted(range(len(photos)), key=lambda k: digests[k])[: max(1, count)]
    return [photos[k] for k in sorted(drawn)]
