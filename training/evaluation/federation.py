"""What is known about an image: the classes of which somebody has said that they are in it, or that they are not."""

from collections.abc import Sequence

import numpy as np

from training.evaluation.ground_truth import Booleans, GroundTruth, Integers

VERIFIED = "verified_category_ids"


def expand_verified(
    ground_truth: GroundTruth,
    object_images: Integers,
    object_categories: Integers,
    ancestors: Sequence[frozenset[int]],
) -> Booleans | None:
    """Return BOOL [N, C]: whether it is known if a class is in an image; None where every class is known everywhere.

    What has a box is known, and so is everything above it, as boxes are expanded upwards. A class that was verified but
    has no box is absent, and so is everything below it: no animal, no cat.

    Args:
        ground_truth: N images, C categories; `verified_category_ids` says which are verified; all, if no image has it.
        object_images: INT64 [G], of the objects after expansion.
        object_categories: INT64 [G].
        ancestors: of each category those above it.
    """
    if not any(VERIFIED in image for image in ground_truth.images):
        return None
    classes = len(ground_truth.categories)
    is_boxed = np.zeros((len(ground_truth.images), classes), np.bool_)
    is_boxed[object_images, object_categories] = True
    is_listed = np.zeros_like(is_boxed)
    for index in range(len(ground_truth.images)):
        is_listed[index, ground_truth.category_positions(index, VERIFIED)] = True
    is_below = np.zeros((classes, classes), np.bool_)  # [k, below]: the second is a kind of the first
    for k, above in enumerate(ancestors):
        is_below[list(above), k] = True
    is_absent = is_listed & ~is_boxed
    result: Booleans = is_boxed | is_listed
    for k in np.flatnonzero(is_absent.any(axis=0) & is_below.any(axis=1)):
        result |= is_absent[:, k : k + 1] & is_below[k]
    return result
