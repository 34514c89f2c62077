"""How a head learns which locations are worth classifying."""

from torch import Tensor
from torch.nn import functional as F

from training.detector.global_batch import sum_over_processes


def objectness_loss(objectness_logits: Tensor, class_logits: Tensor) -> Tensor:
    """Teach the objectness what the classes say: the best of their probabilities.

    Quality focal loss (Generalized Focal Loss, equation 5, beta 2) with that probability as its soft target. It is what
    ranks the locations when all of them are classified, and it is known where labels are not: merged data sets leave
    most photos without word on most classes, so that "no object here" can rarely be said.

    Args:
        objectness_logits: [N, L].
        class_logits: [N, L, C]; no gradient passes to them.

    Returns:
        A scalar, per unit of class probability in the batch.
    """
    targets = class_logits.detach().amax(dim=-1).sigmoid()
    weights = (objectness_logits.sigmoid() - targets).square()
    losses = F.binary_cross_entropy_with_logits(objectness_logits, targets, reduction="none") * weights
    return losses.sum() / sum_over_processes(targets.sum()).clamp(min=1.0)
