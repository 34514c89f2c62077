import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.taxonomy import MAPPINGS_DIR, load_mapping, load_mapping_of, load_mappings, load_taxonomy

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


DETECTION_SETS = ["bccd", "coco_mini", "fruit", "home_amenities", "microcontrollers", "playing_cards", "raccoon"]


@pytest.mark.parametrize("dataset", DETECTION_SETS)
def test_the_datasets_have_no_label_that_is_not_mapped_and_the_mapping_none_that_they_lack(genod_data, dataset):
    annotations = json.loads((genod_data / "detection" / dataset / "annotations.json").read_text())
    labels = [category["name"] for category in sorted(annotations["categories"], key=lambda entry: entry["id"])]
    mapping = load_mapping_of(dataset, TAXONOMY)
    assert mapping.mapped_labels(labels) == tuple(labels)
    assert set(mapping.category_id_by_label) == set(labels)


def test_every_label_of_lvis_has_a_category_or_a_reason_for_having_none(genod_data):
    annotations = json.loads((genod_data / "reference" / "lvis" / "lvis_val_100.json").read_text())
    labels = {category["name"] for category in annotations["categories"]}
    mapping = load_mapping_of("lvis", TAXONOMY)
    assert {*mapping.category_id_by_label, *mapping.reason_by_unmapped_label} == labels
    assert len(mapping.category_id_by_label) > 1000


def test_coco_and_lvis_agree_on_what_is_published_as_the_same_object(genod_data):
    """The synsets that LVIS gives for COCO's names; where several LVIS labels share one, one of them must agree."""
    folder = genod_data / "reference" / "lvis"
    synset_by_name = json.loads((folder / "coco_to_synset.json").read_text())
    labels_by_synset: dict[str, list[str]] = {}
    for category in json.loads((folder / "lvis_val_100.json").read_text())["categories"]:
        labels_by_synset.setdefault(category["synset"], []).append(category["name"])
    lvis = load_mapping_of("lvis", TAXONOMY)
    disagree = {}
    for name, entry in synset_by_name.items():
        labels = [each for each in labels_by_synset.get(entry["synset"], []) if each in lvis.category_id_by_label]
        theirs = {lvis.category_id(label) for label in labels}
        if theirs and COCO.category_id(name) not in theirs:
            disagree[name] = sorted(TAXONOMY.name_of(category_id) for category_id in theirs)
    assert disagree == {"potted plant": ["flowerpot"]}  # LVIS boxes the pot alone


@pytest.mark.parametrize(
    ("dataset", "keys"), [("grocery_store", ("fine", "coarse", "top")), ("clothing_small", ("label",))]
)
def test_the_labels_of_the_product_sets_are_all_known(genod_data, dataset, keys):
    photos = json.loads((genod_data / "retrieval" / dataset / "labels.json").read_text())
    labels = {photo[key] for photo in photos for key in keys}
    mapping = load_mapping_of(dataset, TAXONOMY)
    assert {*mapping.category_id_by_label, *mapping.reason_by_unmapped_label} == labels


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("person", set()),
        ("cat", {"carnivore", "mammal", "animal"}),
        ("car", {"motor vehicle", "land vehicle", "vehicle"}),
        ("wine glass", {"drinking glass", "drinkware", "tableware", "kitchenware"}),
        ("blue jay", {"songbird", "bird", "animal"}),
        ("sea lion", {"pinniped", "marine mammal", "carnivore", "mammal", "animal"}),
        ("lobster", {"crustacean", "shellfish", "marine invertebrate", "invertebrate", "animal"}),
        ("cookie", {"dessert", "baked goods", "snack", "prepared food", "food"}),
        ("king card", {"face card", "playing card", "game equipment", "recreational equipment"}),
        ("Granny Smith apple", {"apple", "fruit", "food"}),
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
    mapped = {category_id for mapping in load_mappings(TAXONOMY) for category_id in mapping.category_ids}
    assert len(TAXONOMY.closure(mapped)) == len(TAXONOMY)


def test_the_hierarchy_is_broad_enough_to_find_a_thing_and_deep_enough_to_read():
    assert len(TAXONOMY) >= 900
    assert len(TAXONOMY.roots) <= 60
    assert max(len(TAXONOMY.children(category.id)) for category in TAXONOMY) <= 30
    assert 5 <= max(TAXONOMY.depth(category.id) for category in TAXONOMY) <= 8


def test_no_parent_is_named_that_another_parent_implies():
    for category in TAXONOMY:
        parents = TAXONOMY.parents(category.id)
        implied = {ancestor for parent in parents for ancestor in TAXONOMY.ancestors(parent)}
        assert not implied & set(parents), category.name


def test_no_two_names_differ_in_capitals_or_a_plural_alone():
    seen: dict[str, str] = {}
    for category in TAXONOMY:
        plain = category.name.lower().removesuffix("s")
        assert plain not in seen, (category.name, seen.get(plain))
        seen[plain] = category.name


def test_the_taxonomy_is_read_without_torch():
    code = "import sys, training.taxonomy.show; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
