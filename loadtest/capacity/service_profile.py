"""Everything that the simulation needs to know of a deployment, as a small JSON file to edit and commit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.stage_profile import OWN_DEVICE, StageProfile
from loadtest.report.atomic_text_file import write_text_atomically

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Answers per second of a closed loop, measured and simulated."""

    callers: int
    measured_per_s: float
    simulated_per_s: float


@dataclass(frozen=True, kw_only=True)
class ServiceProfile:
    """One replica: its resources, and its stages from the arrival of a request to its answer."""

    stages: tuple[StageProfile, ...]
    """In an order in which each stands behind those that it reads from."""

    resources: Mapping[str, ResourceProfile]

    shape_shares: tuple[float, ...] = (1.0,)
    """Shares of the kinds of requests that cannot be in one batch, like landscape and portrait photos."""

    name: str = "detect"
    source: str = ""
    """Where the times come from, for the reader."""
    calibration: tuple[Calibration, ...] = ()
    """How well the simulation reproduces what was measured with callers side by side, for the reader."""

    def __post_init__(self) -> None:
        known: set[str] = set()
        for stage in self.stages:
            if stage.name in known:
                raise ProfileError(f"stage '{stage.name}' stands twice in the profile: give each its own name")
            unknown = [name for name in stage.after if name not in known]
            if unknown:
                raise ProfileError(
                    f"stage '{stage.name}' is after {unknown}, which do not stand before it; so far: {sorted(known)}"
                )
            if stage.resource != OWN_DEVICE and stage.resource not in self.resources:
                raise ProfileError(
                    f"stage '{stage.name}' works on '{stage.resource}'; allowed are"
                    f" {sorted([*self.resources, OWN_DEVICE])}"
                )
            known.add(stage.name)
        if not self.stages:
            raise ProfileError("a profile needs at least one stage")
        if not self.shape_shares or min(self.shape_shares) < 0 or abs(sum(self.shape_shares) - 1) > 1e-3:
            raise ProfileError(f"shape_shares must be 0 or more and add up to 1, got {list(self.shape_shares)}")

    def stage(self, name: str) -> StageProfile:
        """Return the stage of that name; KeyError where there is none."""
        return next(stage for stage in self.stages if stage.name == name)

    def with_stage(self, name: str, **changes: Any) -> ServiceProfile:
        """Return the profile with some fields of one stage changed."""
        self.stage(name)
        stages = (dataclasses.replace(stage, **changes) if stage.name == name else stage for stage in self.stages)
        return dataclasses.replace(self, stages=tuple(stages))

    def with_resource(self, name: str, **changes: Any) -> ServiceProfile:
        """Return the profile with some fields of one resource changed."""
        changed = dataclasses.replace(self.resources[name], **changes)
        return dataclasses.replace(self, resources={**self.resources, name: changed})

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        stages = []
        for stage in self.stages:
            fields = dataclasses.asdict(stage)
            fields["elapsed_ms"], fields["work_ms"] = stage.elapsed_ms.to_json(), stage.work_ms.to_json()
            stages.append(fields)
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "service profile",
            "name": self.name,
            "source": self.source,
            "resources": {name: dataclasses.asdict(resource) for name, resource in self.resources.items()},
            "shape_shares": list(self.shape_shares),
            "calibration": [dataclasses.asdict(point) for point in self.calibration],
            "stages": stages,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ServiceProfile:
        """Read a profile.

        Raises:
            ProfileError: A field is missing, unknown or out of range; the message says which.
        """
        if document.get("kind") != "service profile":
            raise ProfileError('this is no service profile: it lacks "kind": "service profile"')
        if document.get("schema_version") != SCHEMA_VERSION:
            raise ProfileError(
                f"the profile's schema_version must be {SCHEMA_VERSION}, got {document.get('schema_version')!r}"
            )
        try:
            resources = {name: ResourceProfile(**fields) for name, fields in document["resources"].items()}
            stages = tuple(_stage(fields) for fields in document["stages"])
            calibration = tuple(Calibration(**point) for point in document.get("calibration", ()))
            shares = tuple(float(share) for share in document.get("shape_shares", [1.0]))
        except KeyError as error:
            raise ProfileError(f"the profile lacks the field {error}") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise ProfileError(f"a field of the profile cannot be read: {error}") from None
        return cls(
            stages=stages,
            resources=resources,
            shape_shares=shares,
            name=str(document.get("name", "")),
            source=str(document.get("source", "")),
            calibration=calibration,
        )

    def save(self, path: Path) -> None:
        """Write the profile as JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, json.dumps(self.to_json(), indent=2) + "\n")


def _stage(fields: Mapping[str, Any]) -> StageProfile:
    known = {field.name for field in dataclasses.fields(StageProfile)}
    unknown = set(fields) - known
    if unknown:
        raise ProfileError(f"a stage has no field {sorted(unknown)}; allowed are {sorted(known)}")
    values = dict(fields)
    values["elapsed_ms"] = ServiceCurve.from_json(values["elapsed_ms"])
    values["work_ms"] = ServiceCurve.from_json(values.get("work_ms", values["elapsed_ms"].to_json()))
    for name in ("after", "preferred_batch_sizes"):
        values[name] = tuple(values.get(name, ()))
    return StageProfile(**values)
