import pytest

from tests.training.taxonomy.taxonomies import taxonomy_of
from training.taxonomy import (
    TaxonomyError,
    TaxonomyFileError,
    UnmappedLabelError,
    load_mapping,
    load_mapping_of,
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
    with pytest.raises(UnmappedLabelError, match=r"pets\.yaml: no category for 2 label\(s\) of pets: 'Dog', 'Cow'"):
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
