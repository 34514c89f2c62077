"""The config.pbtxt of a release: that of the checkout, with the versions it serves written out."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensembles.errors import ReleaseError


def pin_versions(text: str, versions: Sequence[int], place: str) -> str:
    """Append a `version_policy` that serves exactly `versions`.

    The text before it stays as it is, comments included, so that a released config reads like the committed one.

    Args:
        text: a readable config.pbtxt or configs/<target>.pbtxt.
        versions: ascending.
        place: the file, for the error.

    Raises:
        ReleaseError: the config has a version_policy of its own, and another one.
    """
    config = text_format.Parse(text, ModelConfig())
    listed = ", ".join(map(str, versions))
    policy = f"version_policy {{ specific {{ versions: [ {listed} ] }} }}"
    if not config.HasField("version_policy"):
        return (
            f"{text.rstrip()}\n\n# Written by the release: the versions that its ensembles are pinned to.\n{policy}\n"
        )
    if sorted(config.version_policy.specific.versions) == list(versions):
        return text
    raise ReleaseError(
        f"{place} has a version_policy of its own, which does not serve exactly the version(s) {listed} that the "
        f"wirings pin. Remove it, since a release writes it, or make it: {policy}"
    )
