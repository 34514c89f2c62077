"""One head over five sets, and one head for each of them: the arms of two relations."""

from training.scorecard.arm import Arm
from training.scorecard.four_sets import num_train_photos
from training.scorecard.plan import Plan

GENERIC_SET = "coco_mini"
SEGMENTS = ("fruit", "playing_cards", "microcontrollers", "raccoon")
ALL_SETS = (GENERIC_SET, *SEGMENTS)


def unified(plan: Plan, seed: int) -> Arm:
    """Return the head over all sets; an epoch shows each photo as often as the single heads' epochs do."""
    return _arm(plan, seed, "unified head on five sets", ALL_SETS)


def single(plan: Plan, seed: int, set_name: str) -> Arm:
    """Return the head for one set alone."""
    return _arm(plan, seed, f"head on {set_name} alone", (set_name,))


def _arm(plan: Plan, seed: int, label: str, sets: tuple[str, ...]) -> Arm:
    return Arm(
        label=label,
        seed=seed,
        sets=sets,
        val_sets=sets,
        photos_per_epoch=plan.rounds_per_epoch * sum(num_train_photos(plan, name) for name in sets),
        epochs=plan.epochs,
        cached_views=plan.cached_views,
        max_photos=plan.photos_per_set,
        max_val_photos=plan.val_photos_per_set,
    )
