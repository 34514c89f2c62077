"""OpenImages' own hierarchy against the taxonomy, link by link."""

import csv
import json

import pytest

from training.taxonomy import load_mapping_of, load_taxonomy

TAXONOMY = load_taxonomy()
OPENIMAGES = load_mapping_of("openimages", TAXONOMY)


@pytest.fixture(scope="module")
def links(genod_data):
    """(label, label of its parent) of every "Subcategory"; the root that stands above all has no label."""
    text = (genod_data / "reference" / "openimages" / "bbox_labels_600_hierarchy.json").read_text()
    found = set()

    def walk(node, parent):
        code = node["LabelName"]
        label = OPENIMAGES.label_of(code) if code != "/m/0bl9f" else None
        if label and parent:
            found.add((label, parent))
        for child in node.get("Subcategory", []):
            walk(child, label)
        for part in node.get("Part", []):
            walk(part, None)

    walk(json.loads(text), None)
    return found


def test_the_mapping_names_every_boxable_label_and_its_code(genod_data):
    with (genod_data / "reference" / "openimages" / "class-descriptions-boxable.csv").open() as file:
        rows = dict(csv.reader(file))
    assert len(rows) == 601
    assert OPENIMAGES.label_by_code == rows
    assert set(OPENIMAGES.category_id_by_label) == set(rows.values())


def test_what_openimages_calls_a_kind_of_something_is_one_here_or_a_departure_with_a_reason(links):
    departures = {(departure.label, departure.parent) for departure in OPENIMAGES.departures}
    untrue = set()
    for label, parent in links:
        child, above = OPENIMAGES.category_id(label), OPENIMAGES.category_id(parent)
        if above != child and above not in TAXONOMY.ancestors(child):
            untrue.add((label, parent))
    assert len(links) == 557
    assert untrue == departures


def test_every_departure_has_a_reason():
    assert all(len(departure.reason) > 5 for departure in OPENIMAGES.departures)


def test_most_of_the_labels_with_several_parents_keep_several_here(links):
    parents: dict[str, set[str]] = {}
    for label, parent in links:
        parents.setdefault(label, set()).add(parent)
    several = [label for label, above in parents.items() if len(above) > 1]
    keep = [label for label in several if len(TAXONOMY.parents(OPENIMAGES.category_id(label))) > 1]
    assert len(several) >= 30
    assert len(keep) >= 15


def test_the_published_counterparts_of_other_sets_agree(genod_data):
    """What is called the same as an OpenImages class means the same category."""
    suggested = json.loads((genod_data / "reference" / "openimages" / "suggested_class_map.json").read_text())["map"]
    checked = 0
    for dataset in ("coco_mini", "raccoon", "fruit", "home_amenities"):
        mapping = load_mapping_of(dataset, TAXONOMY)
        for label, counterpart in suggested[dataset].items():
            if counterpart and counterpart["relation"] == "same":
                theirs = OPENIMAGES.category_id(OPENIMAGES.label_of(counterpart["mid"]))
                assert mapping.category_id(label) == theirs, label
                checked += 1
    assert checked > 80
