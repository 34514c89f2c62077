"""Cross-entropy of a softmax, for one label and for several."""

from torch import Tensor
from torch.nn import functional as F

from training.detector.global_batch import sum_over_processes


def multi_label_softmax_loss(logits: Tensor, is_label: Tensor) -> Tensor:
    """Compare a head's softmax with a target of 1/k for each of a crop's k labels (GrokNet, section 3.3.1).

    With one label a crop it is the usual cross-entropy.

    Args:
        logits: FP32 or FP64 [N, labels].
        is_label: BOOL [N, labels]; a crop without any label contributes nothing.

    Returns:
        This process's share of the mean over the crops of all processes that have a label; 0 without any.

    Raises:
        ValueError: the shapes do not agree.
    """
    if is_label.shape != logits.shape:
        raise ValueError(f"is_label must have the logits' shape {list(logits.shape)}, got {list(is_label.shape)}")
    has_label = is_label.any(dim=1)
    crops = sum_over_processes(has_label.sum()).clamp(min=1)
    targets = is_label[has_label].to(logits.dtype)
    targets = targets / targets.sum(dim=1, keepdim=True)
    return F.cross_entropy(logits[has_label], targets, reduction="sum") / crops
