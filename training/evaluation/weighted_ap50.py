"""The paper's weighted average precision (GenOD, equation 1)."""

import math
from collections.abc import Mapping


def weighted_AP50(AP50_per_class: Mapping[str, float], weight_per_class: Mapping[str, float]) -> float:
    """Return sum(w_c AP_c) / sum(w_c): what a class counts follows how often it is seen.

    Args:
        AP50_per_class: average precision at IoU 0.5; classes with NaN are left out, as AP50 leaves them out.
        weight_per_class: the weight of each of them; the paper takes the number of its objects in the validation set.

    Returns:
        In [0, 1]; NaN where no class counts.

    Raises:
        ValueError: a class has no weight, or a weight is negative or not finite.
    """
    counted = {name: ap for name, ap in AP50_per_class.items() if not math.isnan(ap)}
    if missing := counted.keys() - weight_per_class.keys():
        raise ValueError(f"no weight for {', '.join(sorted(missing)[:5])}: every class with an AP50 needs one")
    for name in counted:
        if not 0 <= weight_per_class[name] < math.inf:
            raise ValueError(f"the weight of {name} must be finite and >= 0, got {weight_per_class[name]}")
    total = math.fsum(weight_per_class[name] for name in counted)
    if total == 0:
        return math.nan
    return math.fsum(weight_per_class[name] * ap for name, ap in counted.items()) / total
