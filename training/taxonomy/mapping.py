"""Read the mapping files of datasets."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from training.taxonomy.dataset_mapping import DatasetMapping, Departure
from training.taxonomy.errors import TaxonomyError, TaxonomyFileError, UnknownCategoryError
from training.taxonomy.taxonomy import Taxonomy
from training.taxonomy.yaml_nodes import fields, items, line_of, pairs, read_yaml, text, where

MAPPINGS_DIR = Path(__file__).with_name("mappings")
"""One `<dataset>.yaml` for every dataset that ships mapped."""


def load_mapping(path: Path, taxonomy: Taxonomy) -> DatasetMapping:
    """Read and check the mapping of one dataset.

    Args:
        path: a YAML file with the keys `dataset` (its name) and `labels` (`<label>: <name of a category>`), and if
            there are any: `subsets` (a list of the names of datasets that are parts of it), `unmapped` (a list of
            `{reason, labels: [...]}`, labels without a category), `codes` (`<code>: <label>`, what the dataset's files
            write in place of labels, for all labels or none) and `departures` (a list of `{reason, links: [{label,
            parent}]}`, links of the dataset's own hierarchy that the taxonomy does not have).
        taxonomy: what the labels are mapped to.

    Returns:
        The mapping, in the order of the file.

    Raises:
        TaxonomyFileError: with file and line; a label mapped twice, a category that the taxonomy lacks, a departure
            that is none, or anything else that keeps the file from being a mapping.
    """
    values = fields(
        path,
        read_yaml(path),
        required={"dataset", "labels"},
        optional={"subsets", "unmapped", "codes", "departures"},
    )
    line_by_label: dict[str, int] = {}
    category_id_by_label = dict(_labels(path, values["labels"], taxonomy, line_by_label))
    reasons = dict(_unmapped(path, values["unmapped"], line_by_label)) if "unmapped" in values else {}
    codes = _codes(path, values["codes"], line_by_label) if "codes" in values else {}
    departures = (
        tuple(_departures(path, values["departures"], category_id_by_label, taxonomy)) if "departures" in values else ()
    )
    return DatasetMapping(
        dataset=text(path, values["dataset"]),
        path=path,
        category_id_by_label=category_id_by_label,
        subsets=tuple(text(path, name) for name in items(path, values["subsets"])) if "subsets" in values else (),
        reason_by_unmapped_label=reasons,
        label_by_code=codes,
        departures=departures,
        line_by_label=line_by_label,
        labels_line=line_of(values["labels"]),
    )


def load_mappings(taxonomy: Taxonomy, folder: Path = MAPPINGS_DIR) -> tuple[DatasetMapping, ...]:
    """Read all mapping files of a folder, by name.

    Raises:
        TaxonomyFileError: as `load_mapping`; or two files map one dataset.
    """
    mapping_by_name: dict[str, DatasetMapping] = {}
    mappings = tuple(load_mapping(path, taxonomy) for path in sorted(folder.glob("*.yaml")))
    for mapping in mappings:
        for name in (mapping.dataset, *mapping.subsets):
            if name in mapping_by_name:
                raise TaxonomyFileError(
                    f"{_where_named(mapping.path, name)}: the dataset {name!r} is already mapped at "
                    f"{_where_named(mapping_by_name[name].path, name)}; keep one of the two"
                )
            mapping_by_name[name] = mapping
    return mappings


def load_mapping_of(dataset: str, taxonomy: Taxonomy, folder: Path = MAPPINGS_DIR) -> DatasetMapping:
    """Read the mapping that holds for a dataset: its own, or that of the dataset it is a part of.

    Args:
        dataset: name of the dataset: "microcontrollers", "coco_mini".
        taxonomy: what the labels are mapped to.
        folder: where the mapping files are.

    Raises:
        TaxonomyError: no mapping file names the dataset; or a file is wrong, see `load_mappings`.
    """
    mappings = load_mappings(taxonomy, folder)
    for mapping in mappings:
        if dataset == mapping.dataset or dataset in mapping.subsets:
            return mapping
    known = [name for mapping in mappings for name in (mapping.dataset, *mapping.subsets)]
    raise TaxonomyError(
        f"no mapping for the dataset {dataset!r}; there are mappings for {', '.join(known) or 'none'}. "
        f"Write {folder / f'{dataset}.yaml'}, or name it under 'subsets' of the dataset it is a part of"
    )


def _labels(
    path: Path, node: yaml.Node, taxonomy: Taxonomy, line_by_label: dict[str, int]
) -> Iterator[tuple[str, int]]:
    for label_node, name_node in pairs(path, node):
        label, name = text(path, label_node), text(path, name_node)
        _refuse_second(path, label_node, label, line_by_label)
        try:
            yield label, taxonomy.id_of(name)
        except UnknownCategoryError as error:
            raise TaxonomyFileError(
                f"{where(path, name_node)}: the label {label!r} is mapped to a category that is not in the "
                f"taxonomy: {error}"
            ) from None


def _unmapped(path: Path, node: yaml.Node, line_by_label: dict[str, int]) -> Iterator[tuple[str, str]]:
    for entry in items(path, node):
        values = fields(path, entry, required={"reason", "labels"}, optional=set())
        for label_node in items(path, values["labels"]):
            label = text(path, label_node)
            _refuse_second(path, label_node, label, line_by_label)
            yield label, text(path, values["reason"])


def _refuse_second(path: Path, node: yaml.Node, label: str, line_by_label: dict[str, int]) -> None:
    if label in line_by_label:
        raise TaxonomyFileError(
            f"{where(path, node)}: the label {label!r} is already mapped at {path}:{line_by_label[label]}; "
            "keep one of the two lines"
        )
    line_by_label[label] = line_of(node)


def _codes(path: Path, node: yaml.Node, line_by_label: dict[str, int]) -> dict[str, str]:
    label_by_code: dict[str, str] = {}
    for code_node, label_node in pairs(path, node):
        code, label = text(path, code_node), text(path, label_node)
        if code in label_by_code:
            raise TaxonomyFileError(f"{where(path, code_node)}: the code {code!r} is there twice; keep one of them")
        if label not in line_by_label:
            raise TaxonomyFileError(
                f"{where(path, label_node)}: the code {code!r} stands for {label!r}, which is neither under 'labels' "
                "nor under 'unmapped'"
            )
        label_by_code[code] = label
    if without := line_by_label.keys() - label_by_code.values():
        first = next(label for label in line_by_label if label in without)
        raise TaxonomyFileError(
            f"{path}:{line_by_label[first]}: the label {first!r} has no code, as {len(without)} label(s) have; give "
            "all labels one under 'codes', or none"
        )
    return label_by_code


def _departures(
    path: Path, node: yaml.Node, category_id_by_label: dict[str, int], taxonomy: Taxonomy
) -> Iterator[Departure]:
    for entry in items(path, node):
        values = fields(path, entry, required={"reason", "links"}, optional=set())
        for link_node in items(path, values["links"]):
            link = fields(path, link_node, required={"label", "parent"}, optional=set())
            departure = Departure(text(path, link["label"]), text(path, link["parent"]), text(path, values["reason"]))
            for label in (departure.label, departure.parent):
                if label not in category_id_by_label:
                    raise TaxonomyFileError(f"{where(path, link_node)}: {label!r} is not under 'labels'")
            child, parent = (category_id_by_label[label] for label in (departure.label, departure.parent))
            if parent in (child, *taxonomy.ancestors(child)):
                raise TaxonomyFileError(
                    f"{where(path, link_node)}: {departure.label!r} does lie below {departure.parent!r} in the "
                    "taxonomy: remove this departure"
                )
            yield departure


def _where_named(path: Path, name: str) -> str:
    """'file:line' where a mapping file names a dataset."""
    values = fields(path, read_yaml(path), required=set(), optional=None)
    nodes = [values["dataset"], *(items(path, values["subsets"]) if "subsets" in values else [])]
    return where(path, next(node for node in nodes if text(path, node) == name))
