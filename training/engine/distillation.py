"""Learn from a trained head's dense outputs: what keeps 373 photos from wearing out what millions taught."""

from torch import Tensor
from torch.nn import functional as F

from training.detector.fcos_outputs import HeadOutputs
from training.detector.global_batch import sum_over_processes


def distillation_loss(student: HeadOutputs, teacher: HeadOutputs, *, locations: int) -> Tensor:
    """Pull class scores and distance distributions to the teacher's at every location.

    Classes: quality focal loss with the teacher's probability as the soft target (Generalized Focal Loss, equation 5,
    beta 2). Distances: Kullback-Leibler divergence of the bins (Localization Distillation, equation 2), weighted by the
    teacher's best class score, as a box means something only where there is an object.

    Args:
        student: Of N images, L locations, C classes.
        teacher: Of the same shapes, without gradient.
        locations: Only the first so many count: a teacher without P7 knows nothing there.

    Returns:
        A scalar, per unit of teacher score in the batch.
    """
    soft_targets = teacher.class_logits[:, :locations].sigmoid()
    logits = student.class_logits[:, :locations]
    weights = (logits.sigmoid() - soft_targets).abs().square()
    classes = (F.binary_cross_entropy_with_logits(logits, soft_targets, reduction="none") * weights.detach()).sum()
    objectness = soft_targets.amax(dim=-1)  # (N, L)
    divergence = F.kl_div(
        student.distance_logits[:, :locations].log_softmax(dim=-1),
        teacher.distance_logits[:, :locations].log_softmax(dim=-1),
        reduction="none",
        log_target=True,
    ).sum(dim=(-1, -2))
    return (classes + (divergence * objectness).sum()) / sum_over_processes(objectness.sum()).clamp(min=1.0)
