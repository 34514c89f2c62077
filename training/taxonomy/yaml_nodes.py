"""Read YAML as nodes that still know their line, so that errors can say where to look."""

from pathlib import Path

import yaml

from training.taxonomy.errors import TaxonomyFileError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where the package was built with it: eight times as fast on a thousand categories."""


def read_yaml(path: Path) -> yaml.Node:
    """The root node of a YAML file.

    Scalars stay text as written: no category called `no`, `on` or `1e3` turns into something else.

    Raises:
        TaxonomyFileError: the file is missing, empty or not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaxonomyFileError(f"{path}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise TaxonomyFileError(f"{path}: not UTF-8 text ({error})") from None
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "?" if mark is None else mark.line + 1
        raise TaxonomyFileError(f"{path}:{line}: not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise TaxonomyFileError(f"{path}: not YAML: {error}") from None
    if root is None:
        raise TaxonomyFileError(f"{path}: the file is empty")
    return root


def where(path: Path, node: yaml.Node) -> str:
    """'file:line' of a node."""
    return f"{path}:{line_of(node)}"


def line_of(node: yaml.Node) -> int:
    """The line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def fields(path: Path, node: yaml.Node, *, required: set[str], optional: set[str] | None) -> dict[str, yaml.Node]:
    """The values of a YAML mapping which may have these keys and, unless `optional` is None, no others.

    Raises:
        TaxonomyFileError: not a mapping; a key that is missing, unknown or there twice.
    """
    value_by_key: dict[str, yaml.Node] = {}
    for key_node, value_node in pairs(path, node):
        key = text(path, key_node)
        if optional is not None and key not in required | optional:
            raise TaxonomyFileError(
                f"{where(path, key_node)}: unknown key {key!r}; allowed: {', '.join(sorted(required | optional))}"
            )
        if key in value_by_key:
            raise TaxonomyFileError(f"{where(path, key_node)}: the key {key!r} is there twice")
        value_by_key[key] = value_node
    missing = required - value_by_key.keys()
    if missing:
        raise TaxonomyFileError(
            f"{where(path, node)}: missing key {', '.join(map(repr, sorted(missing)))}; "
            f"required: {', '.join(sorted(required))}"
        )
    return value_by_key


def pairs(path: Path, node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    """Keys and values of a YAML mapping as written, duplicates included."""
    if not isinstance(node, yaml.MappingNode):
        raise TaxonomyFileError(f"{where(path, node)}: expected a mapping of 'key: value', got {_kind(node)}")
    return list(node.value)


def items(path: Path, node: yaml.Node) -> list[yaml.Node]:
    """The entries of a YAML list."""
    if not isinstance(node, yaml.SequenceNode):
        raise TaxonomyFileError(f"{where(path, node)}: expected a list, got {_kind(node)}")
    return list(node.value)


def text(path: Path, node: yaml.Node) -> str:
    """A scalar, as it is written."""
    if not isinstance(node, yaml.ScalarNode):
        raise TaxonomyFileError(f"{where(path, node)}: expected text, got {_kind(node)}")
    return str(node.value)


def whole_number(path: Path, node: yaml.Node) -> int:
    """A scalar that is a whole number in plain decimal digits."""
    written = text(path, node)
    if not (written.isascii() and written.removeprefix("-").isdigit()):
        raise TaxonomyFileError(f"{where(path, node)}: expected a whole number, got {written!r}")
    return int(written)


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
