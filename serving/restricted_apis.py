"""APIs of tritonserver that answer only to those who know a key: 403 to everybody else, over HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Sequence

from serving.errors import ServingError
from serving.probes.triton_http import RESTRICTED_KEY_VARIABLE, parse_restricted_key

APIS = (
    "health",
    "metadata",
    "inference",
    "shared-memory",
    "model-config",
    "model-repository",
    "statistics",
    "trace",
    "logging",
)


def restriction_arguments(apis: Sequence[str], key: str) -> list[str]:
    """Write tritonserver's flags.

    Args:
        apis: Which are restricted; none gives no flags.
        key: ``<name>=<value>``. Over HTTP the header ``<name>`` carries the value, over gRPC
            ``triton-grpc-protocol-<name>``.

    Raises:
        ServingError: An API is not known, or the key is missing or malformed.
    """
    unknown = sorted(set(apis) - set(APIS))
    if unknown:
        raise ServingError(f"--restricted-apis knows {', '.join(APIS)}; got {', '.join(unknown)}")
    if not apis:
        return []
    if not key:
        raise ServingError(
            f"--restricted-apis needs a key: set {RESTRICTED_KEY_VARIABLE}=<name>=<value> in the environment."
        )
    name, value = parse_restricted_key(key)
    listed = ",".join(apis)
    return [f"--http-restricted-api={listed}:{name}={value}", f"--grpc-restricted-protocol={listed}:{name}={value}"]
