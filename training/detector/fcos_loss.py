"""FCOS's three losses over the locations of a batch."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou_loss

from training.detector.class_losses import focal_loss
from training.detector.fcos_outputs import HeadOutputs, expected_distances
from training.detector.fcos_targets import LocationTargets
from training.detector.global_batch import sum_over_processes


class DetectionLosses(NamedTuple):
    """Scalars, each divided by what makes it independent of the batch's size."""

    classification: Tensor
    centerness: Tensor
    box: Tensor


def fcos_losses(
    outputs: HeadOutputs,
    targets_per_image: list[LocationTargets],
    locations: Tensor,
    strides: Tensor,
    class_is_known: Tensor | None = None,
    is_ancestor: Tensor | None = None,
    *,
    distances_of: Callable[[Tensor], Tensor] = expected_distances,
) -> DetectionLosses:
    """Focal loss, centerness cross-entropy and centerness-weighted GIoU (FCOS, equation 2 and "improvements").

    N = images, L = locations, C = classes, P = positive locations of the batch.

    Args:
        outputs: of the head.
        targets_per_image: N.
        locations: FP32 [L, 2] in canvas pixels.
        strides: [L].
        class_is_known: BOOL [N, C], see `focal_loss`.
        is_ancestor: BOOL [C, C], see `focal_loss`.
        distances_of: turns distance logits [..., bins] into distances in strides.
    """
    class_indices = torch.stack([t.class_indices for t in targets_per_image])  # (N, L)
    is_positive = class_indices >= 0
    num_positives = sum_over_processes(is_positive.sum()).clamp(min=1)
    focal = focal_loss(outputs.class_logits, class_indices, class_is_known, is_ancestor)
    classification = focal.sum() / num_positives
    target_centerness = torch.stack([t.centerness for t in targets_per_image])[is_positive]  # (P,)
    centerness = (
        F.binary_cross_entropy_with_logits(outputs.centerness_logits[is_positive], target_centerness, reduction="sum")
        / num_positives
    )
    target_boxes = torch.stack([t.boxes for t in targets_per_image])[is_positive]  # (P, 4)
    positive_locations = locations.expand(len(class_indices), -1, -1)[is_positive]
    positive_strides = strides.expand(len(class_indices), -1)[is_positive]
    distances_px = distances_of(outputs.distance_logits[is_positive]) * positive_strides.unsqueeze(1)
    predicted_boxes = torch.cat(
        [positive_locations - distances_px[:, :2], positive_locations + distances_px[:, 2:]], dim=-1
    )
    giou = generalized_box_iou_loss(predicted_boxes, target_boxes, reduction="none")
    box = (giou * target_centerness).sum() / sum_over_processes(target_centerness.sum()).clamp(min=1e-6)
    return DetectionLosses(classification, centerness, box)
