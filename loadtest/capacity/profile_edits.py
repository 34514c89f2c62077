"""What-if: single fields of a profile, as people type them."""

from __future__ import annotations

import json
from typing import Any

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.service_profile import ServiceProfile


def apply_edit(profile: ServiceProfile, edit: str) -> ServiceProfile:
    """Return a profile with one field changed.

    Args:
        profile: Left as it is.
        edit: `backbone.instances=2`, `backbone.max_batch=1`, `cpu.capacity=8`; values are JSON.

    Raises:
        ProfileError: There is no such stage, resource or field, or the value does not fit it.
    """
    place, equals, text = edit.partition("=")
    name, dot, field = place.rpartition(".")
    if not (equals and dot and name and field):
        raise ProfileError(f"--set takes STAGE.FIELD=VALUE, like backbone.instances=2 or cpu.capacity=8; got {edit!r}")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    document: dict[str, Any] = profile.to_json()
    owners = {stage["name"]: stage for stage in document["stages"]} | document["resources"]
    if name not in owners:
        raise ProfileError(f"--set {edit}: there is no stage or resource '{name}'; there are {sorted(owners)}")
    if field not in owners[name]:
        raise ProfileError(f"--set {edit}: '{name}' has no field '{field}'; it has {sorted(owners[name])}")
    if isinstance(value, bool) or isinstance(value, str) != isinstance(owners[name][field], str):
        raise ProfileError(f"--set {edit}: the value must be like the present one, {owners[name][field]!r}")
    owners[name][field] = value
    if field == "max_batch":  # Triton itself fills these in; they must not outlive a smaller batch
        sizes = owners[name]["preferred_batch_sizes"]
        owners[name]["preferred_batch_sizes"] = [size for size in sizes if size <= value]
    return ServiceProfile.from_json(document)
