"""Render the chart with Helm's own engine and look at the objects.

chart = render({"envoy": {"enabled": True}})
chart.one("Deployment", "genod-triton-stable")["spec"]
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import yaml

from tests.conftest import REPO_ROOT

CHART_FOLDER = REPO_ROOT / "helm" / "genod"
RELEASE_NAME = "genod"
NAMESPACE = "vision"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class RenderedChart:
    """Every object that one set of values makes, hooks included, and which template each came from."""

    objects: tuple[Manifest, ...]
    templates: tuple[str, ...]
    """Beside each object, the path of its template inside the chart."""
    notes: str
    texts: tuple[str, ...] = ()
    """What each template made, as it would be written to a file."""

    def all(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.objects if manifest["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        """The object of this kind and name; an error that lists what there is otherwise."""
        for manifest in self.all(kind):
            if manifest["metadata"]["name"] == name:
                return manifest
        there = sorted(f"{manifest['kind']}/{manifest['metadata']['name']}" for manifest in self.objects)
        raise KeyError(f"no {kind}/{name}; the chart made {there}")

    def of_template(self, path: str) -> list[Manifest]:
        """Objects of one template, for example `templates/triton/deployment.yaml`."""
        return [manifest for manifest, template in zip(self.objects, self.templates, strict=True) if template == path]


def values_files() -> list[Path]:
    """Every committed values file, the defaults first."""
    return [CHART_FOLDER / "values.yaml", *sorted(CHART_FOLDER.glob("values-*.yaml"))]


def load_values(file: Path) -> Manifest:
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {}


def render(values: Manifest | None = None, **options: Any) -> RenderedChart:
    """Check the values against the schema and render, as `helm install` does.

    Args:
        values: What differs from the chart's defaults.
        **options: Of `helm_python.Chart.render`: `name`, `namespace`, `revision`, `is_install`, `is_upgrade`.

    Raises:
        helm_python.HelmError: The schema or a template refused the values; its text holds the chart's own message.
    """
    options = {"name": RELEASE_NAME, "namespace": NAMESPACE, **options}
    with helm_python.Chart.load(CHART_FOLDER) as chart:
        chart.validate_schema(values or {})
        text_by_path = chart.render(values or {}, **options)
    found: list[tuple[str, Manifest]] = []
    notes = ""
    for path, text in sorted(text_by_path.items()):
        template = path.partition("/")[2]
        if template.endswith("NOTES.txt"):
            notes = text
        elif not Path(template).name.startswith("_"):
            found += [(template, manifest) for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader) if manifest]
    return RenderedChart(
        objects=tuple(manifest for _, manifest in found),
        templates=tuple(template for template, _ in found),
        notes=notes,
        texts=tuple(text for path, text in sorted(text_by_path.items()) if not path.endswith("NOTES.txt")),
    )
