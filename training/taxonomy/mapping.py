"""Read a dataset's mapping file: which category each of its labels means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.taxonomy.errors import (
    TaxonomyError,
    TaxonomyFileError,
    UnknownCategoryError,
    UnmappedLabelError,
)
from training.taxonomy.taxonomy import Taxonomy
from training.taxonomy.yaml_nodes import fields, items, pairs, read_yaml, text, where

MAPPINGS_DIR = Path(__file__).with_name("mappings")
"""One `<dataset>.yaml` for every dataset that ships mapped."""


@dataclass(frozen=True, slots=True)
class DatasetMapping:
    """The labels of one dataset and the categories they mean. Several labels may mean one category."""

    dataset: str
    """As written in the file: "coco"."""

    path: Path
    """The file it was read from, for messages."""

    category_id_by_label: Mapping[str, int]
    """Labels exactly as the dataset spells them, in the order of the file, to ids of the taxonomy."""

    subsets: tuple[str, ...] = ()
    """Names of other datasets that are parts of this one, with its labels: "coco_mini"."""

    @property
    def category_ids(self) -> tuple[int, ...]:
        """Ids of the categories that this dataset labels, each once, in the order of the file."""
        return tuple(dict.fromkeys(self.category_id_by_label.values()))

    def category_id(self, label: str) -> int:
        """The id of the category that a label means; UnmappedLabelError if the file does not say."""
        self.require_labels([label])
        return self.category_id_by_label[label]

    def require_labels(self, labels: Iterable[str]) -> None:
        """Refuse a dataset some of whose labels are not mapped.

        Args:
            labels: all labels of the dataset, as it spells them.

        Raises:
            UnmappedLabelError: names every label that the file lacks.
        """
        unmapped = [label for label in labels if label not in self.category_id_by_label]
        if unmapped:
            raise UnmappedLabelError(
                f"{self.path}: no category for {len(unmapped)} label(s) of {self.dataset}: "
                f"{', '.join(map(repr, unmapped))}; add a line '<label>: <category>' for each under 'labels'"
            )


def load_mapping(path: Path, taxonomy: Taxonomy) -> DatasetMapping:
    """Read and check the mapping of one dataset.

    Args:
        path: a YAML file with the keys `dataset` (its name), `labels` (`<label>: <name of a category>`) and,
            if there are any, `subsets` (a list of the names of datasets that are parts of it).
        taxonomy: what the labels are mapped to.

    Returns:
        The mapping, in the order of the file.

    Raises:
        TaxonomyFileError: with file and line; a label mapped twice, a category that the taxonomy lacks, or
            anything else that keeps the file from being a mapping.
    """
    values = fields(path, read_yaml(path), required={"dataset", "labels"}, optional={"subsets"})
    category_id_by_label: dict[str, int] = {}
    line_by_label: dict[str, str] = {}
    for label_node, name_node in pairs(path, values["labels"]):
        label, name = text(path, label_node), text(path, name_node)
        if label in category_id_by_label:
            raise TaxonomyFileError(
                f"{where(path, label_node)}: the label {label!r} is already mapped at "
                f"{line_by_label[label]}; keep one of the two lines"
            )
        try:
            category_id_by_label[label] = taxonomy.id_of(name)
        except UnknownCategoryError as error:
            raise TaxonomyFileError(
                f"{where(path, name_node)}: the label {label!r} is mapped to a category that is not in the "
                f"taxonomy: {error}"
            ) from None
        line_by_label[label] = where(path, label_node)
    subsets = items(path, values["subsets"]) if "subsets" in values else []
    return DatasetMapping(
        text(path, values["dataset"]), path, category_id_by_label, tuple(text(path, name) for name in subsets)
    )


def load_mapping_of(dataset: str, taxonomy: Taxonomy, folder: Path = MAPPINGS_DIR) -> DatasetMapping:
    """Read the mapping that holds for a dataset: its own, or that of the dataset it is a part of.

    Args:
        dataset: name of the dataset: "microcontrollers", "coco_mini".
        taxonomy: what the labels are mapped to.
        folder: where the mapping files are.

    Raises:
        TaxonomyError: no mapping file names the dataset; or a file is wrong, see `load_mapping`.
    """
    mappings = [load_mapping(path, taxonomy) for path in sorted(folder.glob("*.yaml"))]
    for mapping in mappings:
        if dataset == mapping.dataset or dataset in mapping.subsets:
            return mapping
    known = [name for mapping in mappings for name in (mapping.dataset, *mapping.subsets)]
    raise TaxonomyError(
        f"no mapping for the dataset {dataset!r}; there are mappings for {', '.join(known) or 'none'}. "
        f"Write {folder / f'{dataset}.yaml'}, or name it under 'subsets' of the dataset it is a part of"
    )
