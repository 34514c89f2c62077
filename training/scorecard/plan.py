"""How much a scorecard spends: the full one and the quick one differ in nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of every relation's work."""

    is_quick: bool = False
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the heads' random layers and of the order of the photos, the same for both sides."""
    epochs: int = 3
    """Of every head."""
    rounds_per_epoch: int = 2
    """How often an epoch shows as many photos as the sets have."""
    cached_views: int = 2
    """Random views of each photo whose features are kept."""
    photos_per_set: int | None = None
    """Only so many training photos of each set, the same at every seed; None is all."""
    val_photos_per_set: int | None = None
    photos_cut_per_set: int | None = None
    """Photos of each split whose objects become pictures of single products; None is all."""
    tail_photos_per_set: int = 20
    """Train photos of each set that plays the tail."""
    min_boxes_per_class: int = 60
    """N_min of class-aware upsampling."""
    draws: int = 500
    """Of a bootstrap."""
    embedder_steps: int = 200
    """Of every small embedder; a step shows 32 crops of each set."""
    embedder_views: int = 2
    """Random views of each crop, beside the crop as it is."""
    crops_per_set: int | None = None
    """Of the embedder's sets, each split; None is all."""
    whole_trunk_steps: int = 100
    """Where all of a trunk is trained."""
    latency_class_counts: tuple[int, ...] = (80, 300, 900)
    latency_repeats: int = 15
    """Rounds in which every graph runs once."""


FULL = Plan()
QUICK = Plan(
    is_quick=True,
    seeds=(0, 1),
    epochs=2,
    rounds_per_epoch=1,
    cached_views=1,
    photos_per_set=48,
    val_photos_per_set=24,
    photos_cut_per_set=12,
    tail_photos_per_set=8,
    min_boxes_per_class=24,
    draws=200,
    embedder_steps=10,
    embedder_views=1,
    crops_per_set=80,
    whole_trunk_steps=8,
    latency_class_counts=(80, 900),
    latency_repeats=7,
)
