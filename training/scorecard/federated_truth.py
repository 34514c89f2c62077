"""Ground truth as OpenImages has it: objects count for ancestors too, and of a photo only some classes are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.evaluation.federation import expand_verified
from training.evaluation.ground_truth import GroundTruth
from training.taxonomy import Taxonomy

SHARE_OF_PRESENT_VERIFIED = 0.7
"""A class whose objects a photo shows was verified, and its objects boxed, with this chance."""
SHARE_OF_ABSENT_VERIFIED = 0.2
"""Any other class was verified to be absent with this chance."""


def in_taxonomy_ids(
    ground_truth: Mapping[str, Any], category_id_of: Mapping[int, int], taxonomy: Taxonomy
) -> dict[str, Any]:
    """Return the ground truth with every object under its category of the taxonomy.

    Args:
        ground_truth: COCO's format.
        category_id_of: from the data set's category ids to the taxonomy's.
        taxonomy: the categories; all of them become categories of the ground truth.
    """
    annotations = [{**a, "category_id": category_id_of[a["category_id"]]} for a in ground_truth["annotations"]]
    categories = [{"id": category.id, "name": category.name} for category in taxonomy]
    return {"images": list(ground_truth["images"]), "annotations": annotations, "categories": categories}


def expanded(ground_truth: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    """Return the ground truth with each object copied to all ancestors of its category.

    OpenImages challenge, "hierarchy expansion": a cat is also an object of the class animal.
    """
    # `judge_openimages` expands within its own matching; here COCO's follows, photo by photo (`match_photos`).
    annotations = [
        {**annotation, "category_id": category_id}
        for annotation in ground_truth["annotations"]
        for category_id in (annotation["category_id"], *taxonomy.ancestors(annotation["category_id"]))
    ]
    return {**ground_truth, "annotations": annotations}


def partly_verified(ground_truth: Mapping[str, Any], taxonomy: Taxonomy, *, seed: int) -> dict[str, Any]:
    """Forget most of what is known of each photo, as if its annotators had been asked for a part of the classes.

    A class that was not asked for keeps no box; what is verified stands in `images[].verified_category_ids`: classes
    with boxes, and classes that are absent, with no descendant in the photo.

    Args:
        ground_truth: complete, in ids of the taxonomy, not expanded.
        taxonomy: the categories.
        seed: of the draw.
    """
    generator = np.random.default_rng([seed, 17])
    classes = sorted({a["category_id"] for a in ground_truth["annotations"]})
    askable = sorted(set(classes).union(*(taxonomy.ancestors(category_id) for category_id in classes)))
    present_by_image: dict[int, set[int]] = {image["id"]: set() for image in ground_truth["images"]}
    for annotation in ground_truth["annotations"]:
        present_by_image[annotation["image_id"]].add(annotation["category_id"])
    images, boxed_by_image = [], {}
    for image in ground_truth["images"]:
        present = sorted(present_by_image[image["id"]])
        chances = generator.random(len(present))
        boxed = {c for c, chance in zip(present, chances, strict=True) if chance < SHARE_OF_PRESENT_VERIFIED}
        present_or_above = set(present).union(*(taxonomy.ancestors(category_id) for category_id in present))
        absent = [category_id for category_id in askable if category_id not in present_or_above]
        chances = generator.random(len(absent))
        negative = {c for c, chance in zip(absent, chances, strict=True) if chance < SHARE_OF_ABSENT_VERIFIED}
        boxed_by_image[image["id"]] = boxed
        images.append({**image, "verified_category_ids": sorted(boxed | negative)})
    annotations = [a for a in ground_truth["annotations"] if a["category_id"] in boxed_by_image[a["image_id"]]]
    return {**ground_truth, "images": images, "annotations": annotations}


def judged_detections(
    detections: Sequence[Mapping[str, Any]], ground_truth: Mapping[str, Any], taxonomy: Taxonomy
) -> list[dict[str, Any]]:
    """Return the detections that the verified part of the ground truth can judge; the rest is neither hit nor miss.

    Those are, on each photo, classes with a box and their ancestors, and verified absent classes and their descendants.

    Args:
        detections: with `image_id` and `category_id`.
        ground_truth: of `partly_verified`, not expanded.
        taxonomy: the categories.
    """
    truth = GroundTruth.parse(expanded(ground_truth, taxonomy))
    row, column = truth.index_of_image, truth.index_of_category
    ancestors = [frozenset(column[above] for above in taxonomy.ancestors(c["id"])) for c in truth.categories]
    verified = expand_verified(truth, truth.image_of_object, truth.category_of_object, ancestors)
    assert verified is not None, "partly_verified gives every image its list"
    return [dict(d) for d in detections if verified[row[d["image_id"]], column[d["category_id"]]]]
