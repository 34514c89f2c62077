"""What all recipes have in common: the fields by which the engine runs them, and how their files are read."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml

RecipeT = TypeVar("RecipeT", bound="RunRecipe")


class RecipeError(ValueError):
    """A recipe that cannot be run; the message names the file and the field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecipe:
    """A run as the engine sees it, whatever is trained. A recipe adds what it trains, and of which data."""

    REQUIRED: ClassVar[tuple[str, ...]] = ()
    """Fields without a default."""
    FREE: ClassVar[tuple[str, ...]] = ("device", "checkpoint_every_steps", "loader_workers", "evaluate_every_epochs")
    """Fields that leave the result alone, so that a run goes on whatever they say."""

    epochs: int = 10
    evaluate_every_epochs: int = 1
    """How often the metrics on the val split are printed; the last epoch's always are."""
    learning_rate: float = 1e-4
    """At its peak; cosine schedule down to 1 % of it."""
    weight_decay: float = 0.01
    warmup_steps: int = 50
    gradient_clip_norm: float = 5.0
    ema_decay: float = 0.998
    """Of the averaged weights, which are the ones evaluated and exported."""
    seed: int = 0
    # The engine: where and in which numbers it computes, and how often it saves.
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` is a GPU where there is one. A batch counts all processes of a `torchrun` together."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Of the forward and backward pass; weights, losses and the optimiser stay FP32. `fp16` needs a GPU."""
    accumulate_steps: int = 1
    """So many batches' gradients are averaged before the weights move; `warmup_steps` counts batches."""
    checkpoint_every_steps: int = 100
    """Besides at the end of every epoch. 0 saves then only."""
    loader_workers: int | Literal["auto"] = "auto"
    """Processes that load photos, for each that trains; `auto` is one less than there are cores, 1 to 8."""

    @classmethod
    def load(cls: type[RecipeT], path: Path) -> RecipeT:
        """Read a recipe file; an unknown field is an error that lists the known ones."""
        return cls.parse(path.read_text(), source=str(path))

    @classmethod
    def parse(cls: type[RecipeT], text: str, *, source: str) -> RecipeT:
        """Read a recipe's text; errors name the source."""
        values = recipe_values(text, source=source)
        known = {f.name for f in fields(cls)}
        if unknown := sorted(str(name) for name in set(values) - known):
            raise RecipeError(f"{source}: unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        if missing := [name for name in cls.REQUIRED if name not in values]:
            raise RecipeError(f"{source}: {', '.join(missing)} must be given")
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        try:
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from error

    def as_yaml(self) -> str:
        """Return the recipe with every default filled in."""
        values = _plain(asdict(self))
        required = {name: values.pop(name) for name in self.REQUIRED}
        return yaml.safe_dump(required | values, sort_keys=False)

    def trains_as(self, other: "RunRecipe") -> bool:
        """Whether a run of `other` can be gone on with by this recipe: equal but for what leaves the result alone."""
        return type(self) is type(other) and all(
            getattr(self, f.name) == getattr(other, f.name) for f in fields(self) if f.name not in self.FREE
        )

    def check_run(self) -> None:
        """Refuse what no run can follow, in the fields above."""
        self.check_choices({"device": ("auto", "cpu", "cuda"), "precision": ("fp32", "bf16", "fp16")})
        self.check_positive("epochs", "learning_rate", "evaluate_every_epochs")
        if not 0.0 <= self.ema_decay < 1.0:
            raise RecipeError(f"ema_decay must be in [0, 1), got {self.ema_decay}")
        if self.accumulate_steps < 1 or self.checkpoint_every_steps < 0:
            raise RecipeError(
                f"accumulate_steps must be 1 or more and checkpoint_every_steps 0 or more, got "
                f"{self.accumulate_steps} and {self.checkpoint_every_steps}"
            )
        workers = self.loader_workers
        if workers != "auto" and (not isinstance(workers, int) or workers < 0):
            raise RecipeError(f"loader_workers must be auto or 0 or more, got {workers!r}")

    def check_types(self) -> None:
        """Refuse what YAML read as something else than was meant: `1e-4` without a point is text."""
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type is float and isinstance(value, int) and not isinstance(value, bool):
                continue
            if f.type in (bool, int, float, str) and type(value) is not f.type:
                hint = "; YAML wants a point in it, as in 1.0e-4" if f.type is float and isinstance(value, str) else ""
                raise RecipeError(f"{f.name} must be {getattr(f.type, '__name__', f.type)}, got {value!r}{hint}")

    def check_choices(self, choices: dict[str, tuple[str, ...]]) -> None:
        """Refuse fields that are none of their few values."""
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")

    def check_positive(self, *names: str) -> None:
        """Refuse fields that are 0 or less."""
        for name in names:
            if getattr(self, name) <= 0:
                raise RecipeError(f"{name} must be positive, got {getattr(self, name)}")


def recipe_values(text: str, *, source: str) -> dict[str, Any]:
    """Return what a recipe's text says, unchecked.

    Raises:
        RecipeError: it is no mapping in YAML.
    """
    try:
        values: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{source} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{source} must be a mapping of fields to values")
    return values


def _plain(value: Any) -> Any:
    """Tuples as lists, for YAML knows no other."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
