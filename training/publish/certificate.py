"""The certificate: what publishing a head changed, in numbers, and whether that is allowed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryChange:
    """AP of one category on one val set, before and after; averaged over IoU 0.50 to 0.95, in [0, 1]."""

    data_set: str
    label: str
    before: float | None
    """None: no head had the category."""
    after: float
    allowed_loss: float

    @property
    def loss(self) -> float:
        """How much was lost; negative is a gain."""
        return 0.0 if self.before is None else self.before - self.after

    @property
    def is_allowed(self) -> bool:
        """Whether the loss is within the margin. Half a unit of the sixth digit is rounding, not loss."""
        return self.loss <= self.allowed_loss + 5e-7


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeAnswer:
    """Another head's raw outputs on the probe set, as sha256, before and after."""

    head: str
    before_sha256: str
    after_sha256: str

    @property
    def is_identical(self) -> bool:
        """Whether they are equal to the bit."""
        return self.before_sha256 == self.after_sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """A data set that the head was trained on."""

    name: str
    role: str
    """data_set, also_labelled or negatives, as in the recipe."""
    train_photos: int
    annotations_sha256: str
    photos_sha256: str
    """Over names and contents of its train photos, sorted by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """All of it."""

    head: str
    version: int
    graph_sha256: str
    backbone_sha256: str
    classes: dict[str, int]
    """Name -> taxonomy id."""
    taken_over: dict[str, list[str]]
    """Head -> names of classes whose detections by it are dropped from now on."""
    recipe: str
    trained_on: tuple[TrainingData, ...]
    probe_canvases: int
    probe: tuple[ProbeAnswer, ...]
    categories: tuple[CategoryChange, ...]

    def refusals(self) -> list[str]:
        """Return a line for everything that is not allowed."""
        moved = [
            f"{answer.head} answers differently on the probe set: {answer.before_sha256[:12]} became "
            f"{answer.after_sha256[:12]}"
            for answer in self.probe
            if not answer.is_identical
        ]
        return moved + [
            f"{c.label} on {c.data_set}: AP {c.before:.4f} became {c.after:.4f}, a loss of {c.loss:.4f} where "
            f"{c.allowed_loss:.4f} is allowed"
            for c in self.categories
            if not c.is_allowed
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    def as_markdown(self) -> str:
        """Return it for people, the largest changes first."""
        lines = [f"# {self.head}, version {self.version}", ""]
        lines.append(f"Classes: {', '.join(f'{name} ({i})' for name, i in self.classes.items())}.")
        for head, names in self.taken_over.items():
            lines.append(f"Taken over from {head}, whose detections of them are dropped: {', '.join(names)}.")
        lines += ["", f"Graph `{self.graph_sha256[:12]}` on backbone `{self.backbone_sha256[:12]}`.", ""]
        lines += [f"## Other heads on the probe set ({self.probe_canvases} canvases)", ""]
        lines += _table(
            ("head", "raw outputs before and after"),
            [(a.head, "identical to the bit" if a.is_identical else "**DIFFERENT**") for a in self.probe],
        )
        lines += ["", "## AP before and after, val photos, IoU 0.50 to 0.95", ""]
        changed = sorted((c for c in self.categories if c.loss or c.before is None), key=lambda c: -c.loss)
        header = ("val set", "category", "before", "after", "change", "allowed loss")
        lines += _table(header, [_row(c) for c in changed])
        unchanged = len(self.categories) - len(changed)
        lines += ["", f"{unchanged} of {len(self.categories)} categories did not change at all."]
        lines += ["", "## Trained on", ""]
        lines += _table(
            ("data set", "as", "train photos", "annotations", "photos"),
            [
                (d.name, d.role, str(d.train_photos), f"`{d.annotations_sha256[:12]}`", f"`{d.photos_sha256[:12]}`")
                for d in self.trained_on
            ],
        )
        return "\n".join([*lines, "", "```yaml", self.recipe.rstrip(), "```", ""])


def write_certificate(certificate: Certificate, folder: Path) -> Path:
    """Write `<head>-<version>.json` and `.md`; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{certificate.head}-{certificate.version}"
    write_atomically(folder / f"{stem}.json", (json.dumps(certificate.as_dict(), indent=1) + "\n").encode())
    page = folder / f"{stem}.md"
    write_atomically(page, certificate.as_markdown().encode())
    return page


def compare_categories(
    before: Mapping[str, Mapping[str, float]],
    after: Mapping[str, Mapping[str, float]],
    *,
    new_classes: Mapping[str, set[str]],
    allowed_loss: float,
    allowed_losses: Mapping[str, float],
) -> tuple[CategoryChange, ...]:
    """Put AP before and after side by side.

    Args:
        before: AP by val set and label.
        after: the same.
        new_classes: by val set the labels that no head had before.
        allowed_loss: of every category that `allowed_losses` does not name.
        allowed_losses: by label.
    """
    return tuple(
        CategoryChange(
            data_set=data_set,
            label=label,
            before=None if label in new_classes.get(data_set, set()) else before[data_set].get(label, 0.0),
            after=ap,
            allowed_loss=allowed_losses.get(label, allowed_loss),
        )
        for data_set, ap_by_label in after.items()
        for label, ap in ap_by_label.items()
    )


def _row(change: CategoryChange) -> tuple[str, ...]:
    is_new = change.before is None
    before = "new" if is_new else f"{change.before:.4f}"
    difference = "" if is_new else f"{-change.loss:+.4f}"
    return (change.data_set, change.label, before, f"{change.after:.4f}", difference, f"{change.allowed_loss:.4f}")


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]
