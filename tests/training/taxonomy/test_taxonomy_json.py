import json

import pytest

from tests.training.taxonomy.taxonomies import taxonomy_of
from training.taxonomy import Taxonomy, taxonomy_json, write_taxonomy_json

TAXONOMY = taxonomy_of({"cat": ["pet", "animal"], "animal": [], "pet": ["animal"], "café": []}, ids=[17, 3, 30, 8])


def test_categories_are_sorted_by_id_and_parents_are_ids_in_their_order():
    assert json.loads(taxonomy_json(TAXONOMY)) == [
        {"id": 3, "name": "animal", "parents": []},
        {"id": 8, "name": "café", "parents": []},
        {"id": 17, "name": "cat", "parents": [30, 3]},
        {"id": 30, "name": "pet", "parents": [3]},
    ]


def test_the_text_does_not_depend_on_the_order_of_the_yaml_file():
    assert taxonomy_json(Taxonomy(TAXONOMY.categories[::-1])) == taxonomy_json(TAXONOMY)


def test_an_empty_taxonomy_is_an_empty_list():
    assert json.loads(taxonomy_json(Taxonomy(()))) == []


def test_the_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "taxonomy.json"
    path.write_text("old")
    write_taxonomy_json(path, TAXONOMY)
    assert path.read_text(encoding="utf-8") == taxonomy_json(TAXONOMY)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    target = tmp_path / "taxonomy.json"
    target.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match=r"taxonomy\.json"):
        write_taxonomy_json(target, TAXONOMY)
    assert list(tmp_path.iterdir()) == [target]
