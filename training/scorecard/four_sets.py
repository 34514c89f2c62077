"""The arm that most relations compare with: an FCOS head on four small sets, as the paper's table 2 has four."""

import json
from functools import cache
from typing import Any

from training.data.roots import data_set_folder
from training.scorecard.arm import Arm
from training.scorecard.plan import Plan

FOUR_SETS = ("fruit", "playing_cards", "microcontrollers", "raccoon")
SMALLER = tuple(f"{name}@60" for name in FOUR_SETS)


def products(plan: Plan) -> tuple[str, ...]:
    """Return the sets of single products made from the four."""
    limit = plan.photos_cut_per_set
    return tuple(f"{name}:products{'' if limit is None else limit}" for name in FOUR_SETS)


def head_on_four_sets(plan: Plan, seed: int, *, label: str = "FCOS on four sets", **differences: Any) -> Arm:
    """Return the arm, with what is different about it.

    Args:
        plan: sizes.
        seed: of the training.
        label: how the side is called; a different one for every difference.
        differences: fields of `Arm`.
    """
    values: dict[str, Any] = {
        "sets": FOUR_SETS,
        "val_sets": (*FOUR_SETS, *SMALLER, *products(plan)),
        "photos_per_epoch": plan.rounds_per_epoch * sum(num_train_photos(plan, name) for name in FOUR_SETS),
        "epochs": plan.epochs,
        "cached_views": plan.cached_views,
        "max_photos": plan.photos_per_set,
        "max_val_photos": plan.val_photos_per_set,
    }
    return Arm(label=label, seed=seed, **(values | differences))


def num_train_photos(plan: Plan, set_name: str) -> int:
    """Return how many train photos of a set the plan uses."""
    count = _num_train_photos(set_name)
    return count if plan.photos_per_set is None else min(count, plan.photos_per_set)


@cache
def _num_train_photos(set_name: str) -> int:
    return len(json.loads((data_set_folder(set_name) / "split.json").read_text())["train"])
