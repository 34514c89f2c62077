"""What a recipe may say of one of the sets that it merges."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from training.data.errors import SetOptionsError


@dataclass(frozen=True, kw_only=True, slots=True)
class SetOptions:
    """One set among those that are merged."""

    keep_share: float = 1.0
    """Part of its train photos that is used, drawn once by the recipe's seed (GenOD, section 4.1: the larger sets are
    downsampled offline)."""
    max_photos: int = 0
    """Use at most so many of its train photos; 0 is no limit."""
    repeat: int = 1
    """How often an epoch shows each of them, before class-aware upsampling."""
    horizontal_flip: bool = True
    """Also show them mirrored; not for what is told by its writing."""
    vertical_flip: bool = False
    """Also show them upside down; for things seen from above, which have no up."""
    half_turn: bool = False
    """Also show them turned by 180 degrees, which mirrors no writing."""
    shorter_side_range_px: tuple[int, ...] = ()
    """Two numbers in place of the recipe's; larger ones where classes differ in details that a small photo loses."""
    mapping: str = ""
    """The data set whose mapping file says what its labels mean, if that is not its folder's name: `openimages`."""
    annotations: str = ""
    """A file in COCO's format inside its folder, or anywhere by its absolute path, to read for the train photos in
    place of the usual one, as `complete-labels` writes it; those of val keep what people said."""
    exhaustive: bool = True
    """Whether every object of its labels has a box. If not, what has none is unknown on its photos, not background."""
    holds_none_of: tuple[str, ...] = ()
    """Other sets of the recipe, or categories, of which its photos are known to hold nothing although it does not label
    them: they are background here instead of unknown."""

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any] | None) -> "SetOptions":
        """Check what a recipe gives for the set `name`.

        Raises:
            SetOptionsError: an unknown option, or a value out of range.
        """
        known = [f.name for f in fields(cls)]
        if not isinstance(values or {}, Mapping):
            raise SetOptionsError(f"data_sets: {name} must be a mapping of options to values, got {values!r}")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in (values or {}).items()
        }
        if unknown := sorted(set(given) - set(known)):
            raise SetOptionsError(
                f"data_sets: {name}: unknown option {', '.join(unknown)}; known are {', '.join(known)}"
            )
        for key, value in given.items():
            _require_type(name, key, value, getattr(cls(), key))
        options = cls(**given)
        if not 0.0 < options.keep_share <= 1.0:
            raise SetOptionsError(f"data_sets: {name}: keep_share must be in (0, 1], got {options.keep_share}")
        if options.max_photos < 0 or options.repeat < 1:
            raise SetOptionsError(
                f"data_sets: {name}: max_photos must be 0 or more and repeat 1 or more, got {options.max_photos}, "
                f"{options.repeat}"
            )
        sides = options.shorter_side_range_px
        if sides and not (len(sides) == 2 and all(isinstance(s, int) for s in sides) and 32 <= sides[0] <= sides[1]):
            raise SetOptionsError(
                f"data_sets: {name}: shorter_side_range_px must be [low, high] with 32 <= low <= high, "
                f"got {list(sides)}"
            )
        return options


def _require_type(name: str, option: str, value: object, default: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = is_number if isinstance(default, float) else type(value) is type(default)
    if not fits:
        wanted = {bool: "true or false", int: "a whole number", float: "a number", tuple: "a list"}
        raise SetOptionsError(f"data_sets: {name}: {option} must be {wanted.get(type(default), 'text')}, got {value!r}")
