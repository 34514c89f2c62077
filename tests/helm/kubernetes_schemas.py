"""Check an object against Kubernetes' own schemas, strictly: a misspelt field is an error.

`kubernetes_validate.validate` reads its megabytes of definitions for every object; here each version is read once.
"""

from functools import cache
from typing import Any

import kubernetes_validate.utils as schemas
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from referencing import Registry, Resource

OLDEST = (1, 29)


def versions() -> list[str]:
    """Kubernetes versions from the oldest that the chart supports to the newest that the package knows."""
    return [
        version for version in schemas.all_versions() if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST
    ]


def is_built_in(manifest: dict[str, Any]) -> bool:
    """Whether Kubernetes itself knows the kind; others come from CustomResourceDefinitions."""
    group = manifest["apiVersion"].rpartition("/")[0]
    return "." not in group or (group.endswith(".k8s.io") and not group.startswith("gateway."))


def problems(manifest: dict[str, Any], version: str) -> list[str]:
    """What Kubernetes of this version would refuse in an object, one line each."""
    found = _validator(manifest["kind"].lower(), manifest["apiVersion"], version).iter_errors(manifest)
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    return [f"{name} {error.json_path}: {error.message[:200]}" for error in found]


@cache
def _validator(kind: str, api_version: str, version: str) -> Draft202012Validator:
    group, _, api = api_version.rpartition("/")
    prefix = f"{group.partition('.')[0]}-" if group else ""
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    schema = schemas.schema_contents(f"{folder}/{kind}-{prefix}{api}.json", version)
    registry: Registry[Any] = Resource.from_contents(schema) @ Registry()
    return Draft202012Validator(schema, registry=_definitions(folder, version) @ registry)


@cache
def _definitions(folder: str, version: str) -> Resource[Any]:
    return Resource.from_contents(schemas.schema_contents(f"{folder}/_definitions.json", version))
