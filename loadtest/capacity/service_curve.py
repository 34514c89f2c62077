"""How long one execution takes, as a function of its batch size."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.capacity.errors import ProfileError


@dataclass(frozen=True)
class ServiceCurve:
    """Milliseconds of one execution at measured batch sizes, straight lines in between.

    A table and no straight line, because on a CPU a batch of 8 may cost more than 8 times a batch of 1 (its tensors
    leave the cache) and on a GPU far less. Beyond the last point the last line goes on; below the first, a curve of one
    point is proportional to the batch, and another follows its first line, never below zero.
    """

    points: tuple[tuple[int, float], ...]
    """(batch size, milliseconds), batch sizes rising."""

    def __post_init__(self) -> None:
        sizes = [size for size, _ in self.points]
        if not sizes or sizes != sorted(set(sizes)) or sizes[0] < 1:
            raise ProfileError(f"a curve needs batch sizes from 1 upwards, each once, rising; got {sizes}")
        if any(value < 0 for _, value in self.points):
            raise ProfileError(f"a curve's milliseconds must be 0 or more, got {[value for _, value in self.points]}")

    def __call__(self, batch: int) -> float:
        """Return the milliseconds of one execution of `batch` items."""
        points = self.points
        if len(points) == 1:
            return points[0][1] * batch / points[0][0]
        at = min(max(bisect_left(points, (batch, 0.0)), 1), len(points) - 1)
        (left, low), (right, high) = points[at - 1], points[at]
        return max(0.0, low + (high - low) * (batch - left) / (right - left))

    @classmethod
    def affine(cls, *, fixed_ms: float, per_item_ms: float) -> ServiceCurve:
        """Return the curve fixed + per_item × batch."""
        return cls(((1, fixed_ms + per_item_ms), (2, fixed_ms + 2 * per_item_ms)))

    @classmethod
    def from_json(cls, value: object) -> ServiceCurve:
        """Read `{"1": 15.4, "2": 36.1}` or `{"fixed_ms": 1, "per_item_ms": 14}`.

        Raises:
            ProfileError: It is neither.
        """
        if isinstance(value, Mapping) and set(value) == {"fixed_ms", "per_item_ms"}:
            return cls.affine(fixed_ms=_number(value["fixed_ms"]), per_item_ms=_number(value["per_item_ms"]))
        if isinstance(value, Mapping) and value and all(str(size).isdigit() for size in value):
            return cls(tuple(sorted((int(size), _number(ms)) for size, ms in value.items())))
        raise ProfileError(
            'a curve is milliseconds by batch size, {"1": 15.4, "4": 80}, or {"fixed_ms": 1, "per_item_ms": 14};'
            f" got {value!r}"
        )

    def to_json(self) -> dict[str, float]:
        """Return milliseconds by batch size."""
        return {str(size): round(value, 4) for size, value in self.points}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProfileError(f"a curve's milliseconds must be numbers, got {value!r}")
    return float(value)
