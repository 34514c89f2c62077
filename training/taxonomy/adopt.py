"""Add categories to the taxonomy file, and a mapping file for the data set that brings them."""

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from training.atomic_file import write_atomically
from training.taxonomy.errors import TaxonomyError
from training.taxonomy.load import TAXONOMY_PATH, load_taxonomy
from training.taxonomy.mapping import MAPPINGS_DIR, load_mappings

_PLAIN_NAME = re.compile(r"[\w][\w '()/.&+-]*")
"""What stands in YAML without quotes and means itself."""


def adopt_categories(
    dataset: str,
    parents_by_label: Mapping[str, Sequence[str]],
    *,
    taxonomy_path: Path = TAXONOMY_PATH,
    mappings_folder: Path = MAPPINGS_DIR,
) -> list[str]:
    """Give each label the category of its own name: an existing one, or a new one at the end of the file.

    New categories get the next free ids. A label that already has a category keeps it, so calling it again changes
    nothing.

    Args:
        dataset: whose labels they are.
        parents_by_label: for each label the names of its category's parents; none makes a root.
        taxonomy_path: the taxonomy file.
        mappings_folder: where `<dataset>.yaml` is written.

    Returns:
        The names of the categories that are new.

    Raises:
        TaxonomyError: a parent does not exist, a name cannot stand in the file, or the data set is mapped already and
            its mapping lacks one of the labels; or a mapping file is wrong, which is nobody's to overwrite.
    """
    taxonomy = load_taxonomy(taxonomy_path)
    for mapped in load_mappings(taxonomy, mappings_folder):
        if dataset in (mapped.dataset, *mapped.subsets):
            mapped.require_labels(parents_by_label)
            return []
    known = {category.name for category in taxonomy}
    new = [label for label in parents_by_label if label not in known]
    lines = []
    for category_id, name in enumerate(new, start=max(category.id for category in taxonomy) + 1):
        parents = list(parents_by_label[name])
        _refuse_odd_names([name, *parents])
        if unknown := sorted(set(parents) - known - set(new)):
            raise TaxonomyError(
                f"category {name!r} is to lie under {', '.join(map(repr, unknown))}, which the taxonomy lacks: name an "
                "existing category (see python -m training taxonomy), or add the parent too"
            )
        parents_field = f", parents: [{', '.join(parents)}]" if parents else ""
        lines.append(f"  - {{id: {category_id}, name: {name}{parents_field}}}\n")
    _refuse_odd_names(parents_by_label)
    labels = "".join(f"  {label}: {label}\n" for label in parents_by_label)
    if lines:
        text = taxonomy_path.read_text(encoding="utf-8").rstrip("\n") + "\n" + "".join(lines)
        with tempfile.TemporaryDirectory() as scratch:  # a cycle among the new ones is refused before anything changes
            (Path(scratch) / taxonomy_path.name).write_text(text, encoding="utf-8")
            load_taxonomy(Path(scratch) / taxonomy_path.name)
        write_atomically(taxonomy_path, text.encode())
    header = f"# Labels of the {dataset} data set.\n"
    mapping_text = f"{header}dataset: {dataset}\nlabels:\n{labels}"
    write_atomically(mappings_folder / f"{dataset}.yaml", mapping_text.encode())
    return new


def _refuse_odd_names(names: Iterable[str]) -> None:
    for name in names:
        if not _PLAIN_NAME.fullmatch(name) or name != name.strip():
            raise TaxonomyError(f"{name!r} cannot name a category: use letters, digits, spaces and '()/.&+-_")
