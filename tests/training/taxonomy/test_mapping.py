import pytest

from tests.training.taxonomy.taxonomies import taxonomy_of
from training.taxonomy import (
    Departure,
    TaxonomyError,
    TaxonomyFileError,
    UnmappedLabelError,
    load_mapping,
    load_mapping_of,
    load_mappings,
    load_taxonomy,
)

TAXONOMY = taxonomy_of({"animal": [], "cat": ["animal"], "development board": []}, ids=[5, 17, 3])


def write(tmp_path, labels):
    path = tmp_path / "pets.yaml"
    path.write_text("dataset: pets\nlabels:\n" + labels, encoding="utf-8")
    return path


def test_labels_are_spelled_as_the_dataset_spells_them_and_keep_their_order(tmp_path):
    mapping = load_mapping(write(tmp_path, "  Kitty: cat\n  Board_1: development board\n  Tomcat: cat\n"), TAXONOMY)
    assert mapping.dataset == "pets"
    assert dict(mapping.category_id_by_label) == {"Kitty": 17, "Board_1": 3, "Tomcat": 17}
    assert mapping.category_ids == (17, 3)
    assert mapping.category_id("Board_1") == 3


def test_all_labels_that_are_not_mapped_are_named_at_once(tmp_path):
    mapping = load_mapping(write(tmp_path, "  Kitty: cat\n"), TAXONOMY)
    mapping.require_labels(["Kitty"])
    with pytest.raises(UnmappedLabelError, match=r"pets\.yaml:3: no category for 2 label\(s\) of pets: 'Dog', 'Cow'"):
        mapping.require_labels(["Dog", "Kitty", "Cow"])
    with pytest.raises(UnmappedLabelError, match="'kitty'"):
        mapping.category_id("kitty")


@pytest.mark.parametrize(
    ("labels", "line", "message"),
    [
        ("  Kitty: cat\n  Kitty: animal\n", 4, "the label 'Kitty' is already mapped at .*:3; keep one"),
        (
            "  Kitty: cta\n",
            3,
            "'Kitty' is mapped to a category that is not in the taxonomy: .*did you mean 'cat'",
        ),
        ("  Kitty: 17\n", 3, "no category is named '17'"),
        ("  Kitty: [cat, animal]\n", 3, "expected text, got a list"),
        ("  - Kitty\n", 3, "expected a mapping"),
    ],
)
def test_a_wrong_mapping_is_refused_with_file_and_line(tmp_path, labels, line, message):
    with pytest.raises(TaxonomyFileError, match=rf"pets\.yaml:{line}: .*{message}"):
        load_mapping(write(tmp_path, labels), TAXONOMY)


FULL = """dataset: pets
labels:
  Kitty: cat
  Beast: animal
unmapped:
  - reason: a part of a cat
    labels: [Tail, Paw]
codes:
  /m/1: Kitty
  /m/2: Beast
  /m/3: Tail
  /m/4: Paw
"""


def test_labels_may_be_left_without_a_category_with_a_reason(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text(FULL)
    mapping = load_mapping(path, TAXONOMY)
    mapping.require_labels(["Kitty", "Tail", "Paw"])
    assert mapping.mapped_labels(["Tail", "Beast", "Kitty"]) == ("Beast", "Kitty")
    with pytest.raises(
        UnmappedLabelError, match=r"pets\.yaml:7: the label 'Tail' of pets has no category on purpose: a part of a cat"
    ):
        mapping.category_id("Tail")
    with pytest.raises(UnmappedLabelError, match=r"1 label\(s\) of pets: 'Whisker'"):
        mapping.mapped_labels(["Kitty", "Whisker"])


def test_a_code_of_the_dataset_s_files_stands_for_a_label(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text(FULL)
    mapping = load_mapping(path, TAXONOMY)
    assert mapping.category_id(mapping.label_of("/m/1")) == 17
    assert mapping.label_of("/m/3") == "Tail"
    with pytest.raises(UnmappedLabelError, match="no label of pets has the code '/m/9'; the file lists 4 codes"):
        mapping.label_of("/m/9")


def test_links_of_the_dataset_s_hierarchy_that_do_not_hold_here_are_read_with_their_reason(tmp_path):
    path = tmp_path / "pets.yaml"
    links = "departures:\n  - reason: not every beast\n    links:\n      - {label: Beast, parent: Kitty}\n"
    path.write_text(FULL + links)
    assert load_mapping(path, TAXONOMY).departures == (Departure("Beast", "Kitty", "not every beast"),)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("[Tail, Paw]", "[Tail, Kitty]", 7, "the label 'Kitty' is already mapped at .*:3; keep one"),
        ("[Tail, Paw]", "[Tail, Tail]", 7, "the label 'Tail' is already mapped at .*:7; keep one"),
        ("  - reason: a part of a cat\n    labels", "  - labels", 6, "missing key 'reason'"),
        ("/m/2:", "/m/1:", 10, "the code '/m/1' is there twice"),
        ("/m/2: Beast", "/m/2: Best", 10, "stands for 'Best', which is neither under 'labels' nor under 'unmapped'"),
        ("  /m/2: Beast\n", "", 4, r"the label 'Beast' has no code, as 1 label\(s\) have"),
        ("codes:", "departures: [{reason: r, links: [{label: Kitty, parent: Beast}]}]\ncodes:", 8,
         "'Kitty' does lie below 'Beast' in the taxonomy: remove"),
        ("codes:", "departures: [{reason: r, links: [{label: Tail, parent: Beast}]}]\ncodes:", 8,
         "'Tail' is not under 'labels'"),
        ("codes:", "code:", 8, "unknown key 'code'; allowed: codes, dataset, departures, labels, subsets, unmapped"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_file_and_line(tmp_path, old, new, line, message):
    path = tmp_path / "pets.yaml"
    assert old in FULL
    path.write_text(FULL.replace(old, new))
    with pytest.raises(TaxonomyFileError, match=rf"pets\.yaml:{line}: .*{message}"):
        load_mapping(path, TAXONOMY)


def test_two_files_for_one_dataset_are_refused(tmp_path):
    write(tmp_path, "  Kitty: cat\nsubsets: [kittens]\n")
    (tmp_path / "kittens.yaml").write_text("dataset: kittens\nlabels: {Kitty: animal}\n")
    message = r"pets\.yaml:4: the dataset 'kittens' is already mapped at .*kittens\.yaml:1; keep one"
    for read in (lambda: load_mappings(TAXONOMY, tmp_path), lambda: load_mapping_of("pets", TAXONOMY, tmp_path)):
        with pytest.raises(TaxonomyFileError, match=message):
            read()


def test_a_mapping_without_its_dataset_is_refused(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text("labels: {Kitty: cat}\n")
    with pytest.raises(TaxonomyFileError, match="missing key 'dataset'"):
        load_mapping(path, TAXONOMY)


def test_a_dataset_finds_its_own_mapping_or_that_of_the_dataset_it_is_a_part_of(tmp_path):
    path = write(tmp_path, "  Kitty: cat\nsubsets: [kittens, old_cats]\n")
    for dataset in ("pets", "kittens", "old_cats"):
        assert load_mapping_of(dataset, TAXONOMY, tmp_path) == load_mapping(path, TAXONOMY)
    with pytest.raises(TaxonomyError, match=r"dataset 'dogs'; there are mappings for pets, kittens, old_cats\."):
        load_mapping_of("dogs", TAXONOMY, tmp_path)


def test_the_shipped_mappings_are_found_by_name():
    taxonomy = load_taxonomy()
    assert load_mapping_of("coco_mini", taxonomy).dataset == "coco"
    assert load_mapping_of("microcontrollers", taxonomy).dataset == "microcontrollers"
