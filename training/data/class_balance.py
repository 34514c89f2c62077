"""Offline class-aware upsampling: photos of rare classes are shown more often, decided before training starts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

MAX_REPEATS = 10_000
"""Where a recipe sets no limit: a class of a single box need not fill the memory with one photo."""


def repeats_per_photo(
    labels_per_photo: Sequence[Sequence[str]],
    classes: Sequence[str],
    *,
    min_boxes_per_class: int,
    max_repeats: int = MAX_REPEATS,
    initial_repeats: Sequence[int] | None = None,
    seed: int = 0,
) -> list[int]:
    """Decide how often each photo is shown, so that every class has `min_boxes_per_class` boxes (GenOD, section 4.1).

    From the rarest class to the most frequent, all photos of a class are repeated evenly until it has enough; what they
    show besides counts for the classes after it. Photos are only added, never taken away.

    Args:
        labels_per_photo: labels of each photo's boxes, one per box.
        classes: which labels count.
        min_boxes_per_class: N_min, 2000 in the paper; 0 repeats nothing.
        max_repeats: how often one photo may be shown at most; a class of very few photos then stays below N_min.
        initial_repeats: how often each photo is shown to begin with; None is once.
        seed: decides which photos are repeated once more than the others.

    Returns:
        For each photo how often it is shown, at least as often as to begin with.
    """
    boxes_per_photo = [Counter(labels) for labels in labels_per_photo]
    photos_of_class: dict[str, list[int]] = {name: [] for name in classes}
    for photo, boxes in enumerate(boxes_per_photo):
        for name in boxes.keys() & photos_of_class.keys():
            photos_of_class[name].append(photo)
    first = [1] * len(labels_per_photo) if initial_repeats is None else list(initial_repeats)
    repeats = np.array(first, dtype=np.int64)
    rng = np.random.default_rng(seed)
    totals = boxes_per_class(labels_per_photo, classes, first)
    for name in sorted(classes, key=lambda name: (totals[name], name)):
        photos = np.array(photos_of_class[name], dtype=np.int64)
        if not len(photos):
            continue
        boxes_of_photo = np.array([boxes_per_photo[photo][name] for photo in photos])
        while (missing := min_boxes_per_class - int((repeats[photos] * boxes_of_photo).sum())) > 0:
            is_open = repeats[photos] < max_repeats
            if not is_open.any():
                break
            whole_rounds = missing // int(boxes_of_photo[is_open].sum())
            if whole_rounds:
                room = max_repeats - repeats[photos[is_open]]
                repeats[photos[is_open]] += np.minimum(whole_rounds, room)
                continue
            for k in rng.permutation(np.flatnonzero(is_open)):
                if missing <= 0:
                    break
                repeats[photos[k]] += 1
                missing -= int(boxes_of_photo[k])
    return [int(count) for count in repeats]


def boxes_per_class(
    labels_per_photo: Sequence[Sequence[str]], classes: Sequence[str], repeats: Sequence[int] | None = None
) -> dict[str, int]:
    """Count the boxes of each class, each photo's as often as it is shown."""
    totals = dict.fromkeys(classes, 0)
    for photo, labels in enumerate(labels_per_photo):
        for label in labels:
            if label in totals:
                totals[label] += 1 if repeats is None else repeats[photo]
    return totals
