import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.taxonomy import MAPPINGS_DIR, load_mapping, load_mapping_of, load_taxonomy

PUBLISHED_IDS = Path(__file__).with_name("published_ids.json")
TAXONOMY = load_taxonomy()
COCO = load_mapping(MAPPINGS_DIR / "coco.yaml", TAXONOMY)
BOARDS = load_mapping(MAPPINGS_DIR / "microcontrollers.yaml", TAXONOMY)


def ancestor_names(name):
    return {TAXONOMY.name_of(ancestor) for ancestor in TAXONOMY.ancestors(TAXONOMY.id_of(name))}


def test_published_ids_keep_their_names_for_ever():
    """Add new categories to published_ids.json; never change or remove a line of it."""
    published = {int(category_id): name for category_id, name in json.loads(PUBLISHED_IDS.read_text()).items()}
    assert {category.id: category.name for category in TAXONOMY} == published


@pytest.mark.parametrize("path", sorted(MAPPINGS_DIR.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_loads_and_is_named_after_its_dataset(path):
    assert load_mapping(path, TAXONOMY).dataset == path.stem


def test_coco_keeps_its_80_names_in_the_order_of_its_ids():
    labels = list(COCO.category_id_by_label)
    assert len(labels) == len(COCO.category_ids) == 80
    assert [TAXONOMY.name_of(COCO.category_id(label)) for label in labels] == labels
    assert (labels[0], labels[11], labels[15], labels[79]) == ("person", "stop sign", "cat", "toothbrush")


def test_the_heads_are_disjoint():
    assert not set(COCO.category_ids) & set(BOARDS.category_ids)


@pytest.mark.parametrize("dataset", ["coco_mini", "microcontrollers"])
def test_the_datasets_have_no_label_that_is_not_mapped(genod_data, dataset):
    annotations = json.loads((genod_data / "detection" / dataset / "annotations.json").read_text())
    labels = [category["name"] for category in sorted(annotations["categories"], key=lambda entry: entry["id"])]
    mapping = load_mapping_of(dataset, TAXONOMY)
    mapping.require_labels(labels)
    assert list(mapping.category_id_by_label) == labels


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("person", set()),
        ("cat", {"carnivore", "mammal", "animal"}),
        ("car", {"motor vehicle", "land vehicle", "vehicle"}),
        ("cup", {"drinkware", "tableware", "kitchenware"}),
        ("laptop", {"computer", "portable electronics", "electronics"}),
        ("hot dog", {"fast food", "finger food", "prepared food", "food"}),
        ("teddy bear", {"stuffed toy", "toy"}),
        ("mouse", {"computer peripheral", "electronics"}),
        ("ESP8266", {"microcontroller board", "development board", "electronics"}),
        ("Raspberry Pi 3", {"single-board computer", "computer", "development board", "electronics"}),
    ],
)
def test_objects_are_what_a_person_would_call_them(name, above):
    assert ancestor_names(name) == above


def test_every_category_is_a_label_of_a_dataset_or_stands_above_one():
    mapped = {*COCO.category_ids, *BOARDS.category_ids}
    above = {ancestor for category_id in mapped for ancestor in TAXONOMY.ancestors(category_id)}
    assert {category.id for category in TAXONOMY} == mapped | above


def test_the_taxonomy_is_read_without_torch():
    code = "import sys, training.taxonomy.show; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
