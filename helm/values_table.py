"""Writes the table of values into the chart's README from the comments of its values.yaml.

    python helm/values_table.py            # writes helm/genod/README.md
    python helm/values_table.py --check    # exits with 1 when the README is out of date, 2 when a value has no comment

A value's comment is the block of `#` lines right above its key; it starts with `# --`. A map whose own values are
commented is a heading of these; any other commented value is one row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

CHART = Path(__file__).parent / "genod"
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"


class ValuesTableError(Exception):
    """values.yaml or README.md cannot be used; the message says where and why."""


@dataclass(frozen=True)
class DocumentedValue:
    """One value that a user can set."""

    path: str
    """Keys from the top, joined with dots."""
    default: object
    description: str


def documented_values(values_text: str) -> list[DocumentedValue]:
    """Read every value with its comment.

    Args:
        values_text: A values.yaml.

    Returns:
        Values in the file's order.

    Raises:
        ValuesTableError: A value has no comment that starts with `# --`.
    """
    root = yaml.compose(values_text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValuesTableError("values.yaml must be a map of values at its top")
    return list(_walk(root, "", values_text.splitlines()))


def markdown_table(values: list[DocumentedValue]) -> str:
    """Lay the values out as a Markdown table, a part for each key of the top."""
    parts: dict[str, list[DocumentedValue]] = {}
    for value in values:
        parts.setdefault(value.path.partition(".")[0], []).append(value)
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for part in parts.values():
        lines += [
            f"| `{value.path}` | `{json.dumps(value.default)}` | {value.description.replace('|', chr(92) + '|')} |"
            for value in part
        ]
    return "\n".join(lines)


def with_table(readme_text: str, table: str) -> str:
    """Replace what stands between the two marks of a README.

    Raises:
        ValuesTableError: The marks are missing.
    """
    head, begin, rest = readme_text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValuesTableError(f"README.md has no {BEGIN} ... {END}: put both marks where the table belongs")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


def _walk(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[DocumentedValue]:
    for key, child in node.value:
        path = f"{prefix}{key.value}"
        description = _comment_above(key.start_mark.line, lines)
        if isinstance(child, yaml.MappingNode) and child.value and (not description or _has_comments(child, lines)):
            yield from _walk(child, f"{path}.", lines)
        elif description:
            yield DocumentedValue(path, yaml.safe_load(yaml.serialize(child)), description)
        else:
            line = key.start_mark.line + 1
            raise ValuesTableError(f"values.yaml:{line}: `{path}` has no comment; write `# -- what it does` above it")


def _has_comments(node: yaml.MappingNode, lines: list[str]) -> bool:
    """Whether keys on lines of their own are commented: those of `{a: 1}` share the line of the map's own key."""
    return not node.flow_style and any(_comment_above(key.start_mark.line, lines) for key, _ in node.value)


def _comment_above(line: int, lines: list[str]) -> str:
    """Text of the comment right above a line (0-based) from its last `# --` on; empty where there is none."""
    block: list[str] = []
    for text in reversed(lines[:line]):
        stripped = text.strip()
        if not stripped.startswith("#"):
            return ""
        if stripped.startswith("# --"):
            return " ".join([stripped.removeprefix("# --").strip(), *reversed(block)])
        block.append(stripped.removeprefix("#").strip())
    return ""


def main() -> int:
    """Write or compare; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the table of values into helm/genod/README.md.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 when the table is out of date"
    )
    arguments = parser.parse_args()
    readme = CHART / "README.md"
    try:
        values = documented_values((CHART / "values.yaml").read_text(encoding="utf-8"))
        old = readme.read_text(encoding="utf-8")
        new = with_table(old, markdown_table(values))
    except (ValuesTableError, OSError) as error:
        print(f"helm/values_table.py: {error}", file=sys.stderr)
        return 2
    if new == old:
        return 0
    if arguments.check:
        print("helm/genod/README.md does not match values.yaml: run `python helm/values_table.py`", file=sys.stderr)
        return 1
    temporary = readme.with_suffix(".md.new")
    temporary.write_text(new, encoding="utf-8")
    temporary.replace(readme)
    print(f"wrote {len(values)} values into helm/genod/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
