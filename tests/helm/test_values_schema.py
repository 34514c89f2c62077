"""The schema describes values.yaml: no more, no less."""

import json
from collections.abc import Iterator

from tests.helm.chart import CHART_FOLDER, Manifest, load_values

SCHEMA = json.loads((CHART_FOLDER / "values.schema.json").read_text(encoding="utf-8"))
VALUES = load_values(CHART_FOLDER / "values.yaml")


def sections(schema: Manifest, path: str = "") -> Iterator[tuple[str, Manifest]]:
    """Every part of the schema that lists properties, with its path."""
    if "properties" in schema:
        yield path, schema
        for name, part in schema["properties"].items():
            yield from sections(part, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from sections(schema["items"], f"{path}[]")


def test_no_section_takes_unknown_keys():
    assert [path for path, section in sections(SCHEMA) if section.get("additionalProperties") is not False] == []


def test_every_value_is_described():
    missing = [
        f"{path}.{name}"
        for path, section in sections(SCHEMA)
        for name, part in section["properties"].items()
        if not part.get("description")
    ]
    assert missing == []


def test_every_default_is_in_the_schema_and_every_property_has_a_default():
    def compare(schema: Manifest, values: Manifest, path: str) -> list[str]:
        found = [f"{path}{name}" for name in schema["properties"].keys() ^ values.keys()]
        for name, part in schema["properties"].items():
            if "properties" in part and isinstance(values.get(name), dict):
                found += compare(part, values[name], f"{path}{name}.")
        return found

    assert compare(SCHEMA, VALUES, "") == []


def test_every_section_of_values_is_a_section_of_the_schema():
    """A map of values without properties would take any typo; free maps (labels, rules) say what their entries are."""
    free = [
        f"{path}.{name}"
        for path, section in sections(SCHEMA)
        for name, part in section["properties"].items()
        if part.get("type") == "object" and "properties" not in part and "additionalProperties" not in part
    ]
    assert set(free) <= {".scheduling.affinity", ".envoy.affinity"}
