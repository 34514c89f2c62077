"""The focal loss over classes where only a part of the labels is known."""

from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss


def focal_loss(
    class_logits: Tensor,
    class_indices: Tensor,
    class_is_known: Tensor | None = None,
    is_ancestor: Tensor | None = None,
) -> Tensor:
    """Focal loss of every location and class (Focal Loss, equation 5, alpha 0.25, gamma 2), 0 where none is due.

    N = images, L = locations or anchors, C = classes.

    Args:
        class_logits: [N, L, C].
        class_indices: INT64 [N, L], the class of the object there; negative is background.
        class_is_known: BOOL [N, C]; False where an image's data set does not annotate a class, which is then no
            background there (GenOD, section 4.1: merged data sets miss labels); what carries a label counts as the
            object it is. None is everything.
        is_ancestor: BOOL [C, C]; [i, j] says that class j is a strict ancestor of class i. Where i is the object, j is
            not background: every cat is an animal, whether or not its label says so. None is a flat list of classes.

    Returns:
        [N, L, C].
    """
    is_positive = (class_indices >= 0).unsqueeze(-1)
    one_hot = F.one_hot(class_indices.clamp(min=0), class_logits.shape[-1]).to(class_logits.dtype) * is_positive
    focal: Tensor = sigmoid_focal_loss(class_logits, one_hot, reduction="none")
    if class_is_known is None and is_ancestor is None:
        return focal
    return focal * counted_classes(class_indices, class_is_known, is_ancestor, num_classes=class_logits.shape[-1])


def counted_classes(
    class_indices: Tensor, class_is_known: Tensor | None, is_ancestor: Tensor | None, *, num_classes: int
) -> Tensor:
    """BOOL [N, L, C]: the classes whose loss counts at a location, either as the object or as background."""
    images, locations = class_indices.shape
    if class_is_known is None:
        counted = class_indices.new_ones(images, locations, num_classes).bool()
    else:
        counted = class_is_known.unsqueeze(1).repeat(1, locations, 1)
    is_positive = class_indices >= 0
    # Only the rows of the few positives are looked up: the table over all locations would be as large as the logits.
    of_positives = counted[is_positive]  # (P, C)
    positive_classes = class_indices[is_positive]
    if is_ancestor is not None:
        of_positives = of_positives & ~is_ancestor[positive_classes]
    counted[is_positive] = of_positives | F.one_hot(positive_classes, num_classes).bool()
    return counted
