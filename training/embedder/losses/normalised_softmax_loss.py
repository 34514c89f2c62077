"""Classification of products as metric learning, over a part of the classes at a time."""

import torch
from torch import Tensor
from torch.nn import functional as F

from training.detector.global_batch import sum_over_processes


def normalised_softmax_loss(
    embeddings: Tensor,
    class_centres: Tensor,
    class_ids: Tensor,
    *,
    temperature: float = 0.05,
    sampled_classes: Tensor | None = None,
) -> Tensor:
    """Classify by cosine to the classes' centres (Zhai and Wu, Classification is a Strong Baseline, section 3).

    Their layer norm before the embedding is not part of it. `pytorch_metric_learning.losses.NormalizedSoftmaxLoss` is
    equal where all classes are taken; it knows no subsampling.

    N = crops, D = dimensions, C = classes, M = sampled classes.

    Args:
        embeddings: FP32 or FP64 [N, D], of any length above 0.
        class_centres: [C, D], of any length above 0.
        class_ids: INT64 [N], indices into `class_centres`; a negative one is none, and the crop contributes nothing.
        temperature: sigma.
        sampled_classes: INT64 [M], those in the denominator (`sample_classes`); all of them where None.

    Returns:
        This process's share of the mean over the crops of all processes that have a class; 0 without any.

    Raises:
        ValueError: a crop's class is not among the sampled ones, or there is none of this index.
    """
    has_class = class_ids >= 0
    crops = sum_over_processes(has_class.sum()).clamp(min=1)
    targets = class_ids[has_class]
    if len(targets) and int(targets.max()) >= len(class_centres):
        raise ValueError(f"class_ids must be below the {len(class_centres)} classes, got {int(targets.max())}")
    centres = class_centres
    if sampled_classes is not None:
        centres = class_centres[sampled_classes]
        rows = torch.full((len(class_centres),), -1, dtype=torch.int64, device=class_ids.device)
        rows[sampled_classes] = torch.arange(len(sampled_classes), device=class_ids.device)
        missing = targets[rows[targets] < 0]
        if len(missing):
            raise ValueError(f"class {int(missing[0])} is in the batch but not sampled; use sample_classes")
        targets = rows[targets]
    cosines = F.linear(F.normalize(embeddings[has_class]), F.normalize(centres))
    log_shares = torch.log_softmax(cosines / temperature, dim=1)
    return -log_shares.gather(1, targets[:, None]).sum() / crops


def sample_classes(
    class_ids: Tensor, *, num_classes: int, count: int, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the classes of a step's softmax: those of the whole batch, and random others.

    Every process must call it with a generator in the same state, and then gets the same classes.

    Args:
        class_ids: INT64 [N], of this process's crops; negative ones are none.
        num_classes: C.
        count: how many to draw; where the batch alone has more, all of those.
        generator: of the drawing, on the CPU.

    Returns:
        INT64 [M], ascending.
    """
    of_batch = torch.zeros(num_classes, dtype=torch.int64, device=class_ids.device)
    of_batch[class_ids[class_ids >= 0]] = 1
    is_sampled = sum_over_processes(of_batch) > 0
    order = torch.randperm(num_classes, generator=generator).to(class_ids.device)
    others = order[~is_sampled[order]]
    is_sampled[others[: max(count - int(is_sampled.sum()), 0)]] = True
    return is_sampled.nonzero().flatten()
