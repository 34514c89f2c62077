"""ArcFace, for one label and for several."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from training.detector.global_batch import sum_over_processes


def arcface_loss(
    embeddings: Tensor, class_centres: Tensor, is_class: Tensor, *, margin: float = 0.5, scale: float = 64.0
) -> Tensor:
    """Pull every crop to the centres of its classes, by an angle more than needed (GrokNet, equation of section 3.3.2).

    The margin is added to the angle of every class of a crop, the softmax has all classes in its denominator, those of
    the crop with the margin, and its target is uniform over the crop's classes. With one class a crop this is ArcFace
    (Deng et al., equation 3). The exponential that our transcript of GrokNet's equation has in front of the logarithm
    is not there: the text beside it says cross-entropy with a uniform target.

    `pytorch_metric_learning.losses.ArcFaceLoss` is equal for one class and angles up to pi - margin. Beyond it leaves
    the paper for another curve, and where an embedding is its class's centre its gradient is NaN.

    N = crops, D = dimensions, C = classes.

    Args:
        embeddings: FP32 or FP64 [N, D], of any length above 0.
        class_centres: [C, D], of any length above 0.
        is_class: BOOL [N, C]; a crop without any class contributes nothing.
        margin: m, radians.
        scale: s.

    Returns:
        This process's share of the mean over the crops of all processes that have a class; 0 without any.

    Raises:
        ValueError: the shapes do not agree.
    """
    if is_class.shape != (len(embeddings), len(class_centres)):
        raise ValueError(
            f"is_class must be [N, C] = [{len(embeddings)}, {len(class_centres)}], got {list(is_class.shape)}"
        )
    has_class = is_class.any(dim=1)
    crops = sum_over_processes(has_class.sum()).clamp(min=1)
    is_class = is_class[has_class]
    cosines = F.linear(F.normalize(embeddings[has_class]), F.normalize(class_centres))
    scores = scale * cosines.masked_scatter(is_class, _cos_of_wider_angle(cosines[is_class], margin))
    losses = -torch.log_softmax(scores, dim=1).masked_fill(~is_class, 0.0).sum(dim=1) / is_class.sum(dim=1)
    return losses.sum() / crops


def _cos_of_wider_angle(cosines: Tensor, margin: float) -> Tensor:
    """Return cos(theta + margin) for cos(theta), with a finite gradient at -1 and 1 too, where that of acos is not."""
    cosines = cosines.clamp(-1.0, 1.0)  # rounding goes beyond
    sines = ((1.0 - cosines) * (1.0 + cosines)).clamp(min=torch.finfo(cosines.dtype).tiny).sqrt()
    return cosines * math.cos(margin) - sines * math.sin(margin)
