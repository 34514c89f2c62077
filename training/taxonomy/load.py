"""Read `taxonomy.yaml`."""

from pathlib import Path

import yaml

from training.taxonomy.category import Category
from training.taxonomy.errors import InvalidTaxonomyError, TaxonomyFileError
from training.taxonomy.taxonomy import Taxonomy
from training.taxonomy.yaml_nodes import fields, items, read_yaml, text, where, whole_number

TAXONOMY_PATH = Path(__file__).with_name("taxonomy.yaml")
"""The taxonomy that ships with this repository."""


def load_taxonomy(path: Path = TAXONOMY_PATH) -> Taxonomy:
    """Read and check a taxonomy.

    Args:
        path: a YAML file with one key `categories`, a list of `{id: 17, name: cat, parents: [carnivore]}`.
            A root leaves `parents` out. Entries may come in any order.

    Returns:
        The taxonomy, in the order of the file.

    Raises:
        TaxonomyFileError: with file and line, for anything that keeps the file from being a taxonomy.
    """
    root = read_yaml(path)
    entries = items(path, fields(path, root, required={"categories"}, optional=set())["categories"])
    categories = tuple(_category(path, entry) for entry in entries)
    try:
        return Taxonomy(categories)
    except InvalidTaxonomyError as error:
        message = f"{where(path, entries[error.position])}: {error}"
        if error.other_position is not None:
            message += f" (declared at {where(path, entries[error.other_position])})"
        raise TaxonomyFileError(message) from None


def _category(path: Path, entry: yaml.Node) -> Category:
    values = fields(path, entry, required={"id", "name"}, optional={"parents"})
    parents = items(path, values["parents"]) if "parents" in values else []
    return Category(
        id=whole_number(path, values["id"]),
        name=text(path, values["name"]),
        parents=tuple(text(path, parent) for parent in parents),
    )
