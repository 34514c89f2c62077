import shutil

import pytest

from tests.conftest import REPO_ROOT
from training.engine.recipe import Recipe
from training.taxonomy import MAPPINGS_DIR, TAXONOMY_PATH, TaxonomyError, load_mapping_of, load_taxonomy
from training.taxonomy.adopt import adopt_categories


@pytest.fixture
def files(tmp_path):
    """Copies of the shipped files."""
    shutil.copy(TAXONOMY_PATH, tmp_path / "taxonomy.yaml")
    shutil.copytree(MAPPINGS_DIR, tmp_path / "mappings")
    return {"taxonomy_path": tmp_path / "taxonomy.yaml", "mappings_folder": tmp_path / "mappings"}


def test_a_new_category_gets_the_next_id_below_its_parents_and_the_label_is_mapped_to_it(files):
    before = load_taxonomy()
    assert adopt_categories("binturong", {"binturong": ["carnivore"]}, **files) == ["binturong"]
    taxonomy = load_taxonomy(files["taxonomy_path"])
    new_id = max(category.id for category in before) + 1
    assert taxonomy.id_of("binturong") == new_id
    assert {taxonomy.name_of(above) for above in taxonomy.ancestors(new_id)} >= {"carnivore", "mammal", "animal"}
    assert load_mapping_of("binturong", taxonomy, files["mappings_folder"]).category_id("binturong") == new_id
    assert {c.id: c.name for c in taxonomy if c.id != new_id} == {c.id: c.name for c in before}


def test_adopting_again_changes_nothing(files):
    adopt_categories("binturong", {"binturong": ["carnivore"]}, **files)
    text = files["taxonomy_path"].read_bytes()
    assert adopt_categories("binturong", {"binturong": ["carnivore"]}, **files) == []
    assert files["taxonomy_path"].read_bytes() == text


@pytest.mark.parametrize("name", ["binturong", "another"])
def test_a_mapping_file_that_is_wrong_is_refused_and_never_overwritten(files, name):
    path = files["mappings_folder"] / f"{name}.yaml"
    path.write_text(f"dataset: {name}\nlabels:\n  a label: no such category\n")
    before = path.read_bytes(), files["taxonomy_path"].read_bytes()
    with pytest.raises(TaxonomyError, match=rf"{name}.yaml:3: the label 'a label'"):
        adopt_categories("binturong", {"binturong": ["carnivore"]}, **files)
    assert (path.read_bytes(), files["taxonomy_path"].read_bytes()) == before


def test_comments_and_lines_of_the_file_stay_as_they_are(files):
    before = files["taxonomy_path"].read_text()
    adopt_categories("binturong", {"binturong": ["carnivore"]}, **files)
    assert files["taxonomy_path"].read_text().startswith(before)


def test_a_category_that_exists_is_used_and_keeps_its_parents(files):
    text = files["taxonomy_path"].read_bytes()
    assert adopt_categories("fruit", {"banana": [], "apple": []}, **files) == []
    assert files["taxonomy_path"].read_bytes() == text
    taxonomy = load_taxonomy()
    mapping = load_mapping_of("fruit", taxonomy, files["mappings_folder"])
    assert mapping.category_id("banana") == taxonomy.id_of("banana")


def test_new_categories_may_be_parents_of_each_other(files):
    new = {"viverrid": ["carnivore"], "binturong": ["viverrid"]}
    assert adopt_categories("binturong", new, **files) == ["viverrid", "binturong"]


@pytest.mark.parametrize(
    ("parents_by_label", "message"),
    [
        ({"binturong": ["carnivor"]}, "'binturong' is to lie under 'carnivor', which the taxonomy lacks"),
        ({"bint: urong": ["carnivore"]}, "'bint: urong' cannot name a category"),
        ({"a": ["b"], "b": ["a"]}, "cycle|circle|ancestor"),
    ],
)
def test_what_does_not_fit_is_refused_and_no_file_changes(files, parents_by_label, message):
    before = files["taxonomy_path"].read_bytes(), sorted(files["mappings_folder"].iterdir())
    with pytest.raises(TaxonomyError, match=message):
        adopt_categories("binturong", parents_by_label, **files)
    assert (files["taxonomy_path"].read_bytes(), sorted(files["mappings_folder"].iterdir())) == before


def test_the_walk_through_s_recipe_adopts_nothing_where_its_category_is_known_and_mapped(files):
    recipe = Recipe.load(REPO_ROOT / "recipes" / "raccoon.yaml")
    text = files["taxonomy_path"].read_bytes()
    assert adopt_categories("raccoon", recipe.categories, **files) == []
    assert files["taxonomy_path"].read_bytes() == text


def test_a_mapped_data_set_that_lacks_a_label_is_refused(files):
    with pytest.raises(TaxonomyError, match="no category for 1 label"):
        adopt_categories("microcontrollers", {"Arduino_Mega": ["microcontroller board"]}, **files)
