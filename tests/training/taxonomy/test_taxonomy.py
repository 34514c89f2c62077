import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.taxonomy.taxonomies import taxonomies, taxonomy_of
from training.taxonomy import Category, InvalidTaxonomyError, Taxonomy, UnknownCategoryError

DIAMOND = taxonomy_of(
    {"thing": [], "computer": ["thing"], "portable": ["thing"], "laptop": ["computer", "portable"]},
    ids=[9, 4, 2, 7],
)


def test_relations_are_given_as_ids():
    assert DIAMOND.id_of("laptop") == 7
    assert DIAMOND.name_of(9) == "thing"
    assert DIAMOND.parents(7) == (4, 2)
    assert DIAMOND.children(9) == (4, 2)
    assert DIAMOND.children(7) == ()
    assert DIAMOND.roots == (9,)
    assert 7 in DIAMOND
    assert 8 not in DIAMOND


def test_an_ancestor_reached_by_two_paths_is_listed_once_deepest_first():
    assert DIAMOND.ancestors(7) == (2, 4, 9)
    assert DIAMOND.descendants(9) == (2, 4, 7)
    assert DIAMOND.ancestors(9) == ()


def test_depth_is_the_longest_path_from_a_root():
    taxonomy = taxonomy_of({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]})
    assert [taxonomy.depth(i) for i in (1, 2, 3, 4)] == [0, 1, 2, 3]


def test_categories_may_be_written_before_their_parents():
    taxonomy = Taxonomy((Category(1, "cat", ("animal",)), Category(2, "animal")))
    assert taxonomy.ancestors(1) == (2,)


@settings(derandomize=True, deadline=None)
@given(taxonomies())
def test_orders_and_ancestors_agree_with_the_parents(taxonomy):
    ids = [category.id for category in taxonomy]
    assert sorted(taxonomy.topological_order) == sorted(taxonomy.specific_first_order) == sorted(ids)
    for child in ids:
        for parent in taxonomy.parents(child):
            assert taxonomy.topological_order.index(parent) < taxonomy.topological_order.index(child)
            assert taxonomy.specific_first_order.index(child) < taxonomy.specific_first_order.index(parent)
            assert taxonomy.depth(parent) < taxonomy.depth(child)
            assert child in taxonomy.children(parent)
        expected = {a for parent in taxonomy.parents(child) for a in (parent, *taxonomy.ancestors(parent))}
        assert set(taxonomy.ancestors(child)) == expected
        assert len(taxonomy.ancestors(child)) == len(expected)
        assert all(child in taxonomy.descendants(ancestor) for ancestor in expected)


def test_a_very_deep_taxonomy_is_no_problem():
    names = [f"level {i}" for i in range(1200)]
    chain = taxonomy_of({name: [names[i - 1]] if i else [] for i, name in enumerate(names)})
    assert chain.depth(1200) == 1199
    assert len(chain.ancestors(1200)) == 1199


def test_unknown_ids_and_names_are_refused_with_a_suggestion():
    with pytest.raises(UnknownCategoryError, match=r"no category has the id 8; the 4 ids .* between 2 and 9"):
        DIAMOND.ancestors(8)
    with pytest.raises(UnknownCategoryError, match="'labtop', did you mean 'laptop'"):
        DIAMOND.id_of("labtop")
    for question in (DIAMOND.parents, DIAMOND.children, DIAMOND.depth, DIAMOND.descendants, DIAMOND.name_of):
        with pytest.raises(UnknownCategoryError):
            question(8)


@pytest.mark.parametrize(
    ("categories", "message", "position", "other_position"),
    [
        ([Category(1, "a"), Category(1, "b")], "id 1 of 'b' already belongs to 'a'.*the next is 2", 1, 0),
        ([Category(1, "a"), Category(2, "a")], "name 'a' of id 2 already belongs to id 1", 1, 0),
        ([Category(0, "a")], "id 0; ids must lie between 1 and 999999", 0, None),
        ([Category(1_000_000, "a")], "ids must lie between", 0, None),
        ([Category(1, "")], "a name must have text", 0, None),
        ([Category(1, " a")], "no space around it", 0, None),
        ([Category(1, "cat"), Category(2, "b", ("ca",))], "unknown parent 'ca', did you mean 'cat'", 1, None),
        ([Category(1, "a"), Category(2, "b", ("a", "a"))], "'b' names a parent twice: a, a", 1, None),
        ([Category(1, "a", ("a",))], "own ancestor: a -> a ", 0, None),
    ],
)  # fmt: skip
def test_contradictions_are_refused_with_their_position(categories, message, position, other_position):
    with pytest.raises(InvalidTaxonomyError, match=message) as caught:
        Taxonomy(tuple(categories))
    assert caught.value.position == position
    assert caught.value.other_position == other_position


def test_a_cycle_is_printed_along_its_parents():
    with pytest.raises(InvalidTaxonomyError) as caught:
        taxonomy_of({"root": [], "cat": ["carnivore"], "mammal": ["root", "cat"], "carnivore": ["mammal"]})
    cycles = ("cat -> carnivore -> mammal -> cat", "carnivore -> mammal -> cat -> carnivore",
              "mammal -> cat -> carnivore -> mammal")  # fmt: skip
    assert any(cycle in str(caught.value) for cycle in cycles)


def test_the_closure_holds_what_is_asked_for_and_all_above_it_in_the_same_order():
    assert [c.id for c in DIAMOND.closure([2])] == [9, 2]
    assert DIAMOND.closure([7]) == DIAMOND
    assert len(DIAMOND.closure([])) == 0
    with pytest.raises(UnknownCategoryError):
        DIAMOND.closure([8])


@settings(derandomize=True, deadline=None)
@given(taxonomies(), st.data())
def test_ancestors_are_the_same_within_a_closure(taxonomy, data):
    asked = data.draw(st.lists(st.sampled_from([category.id for category in taxonomy]), unique=True))
    closure = taxonomy.closure(asked)
    assert {c.id for c in closure} == {*asked, *(a for i in asked for a in taxonomy.ancestors(i))}
    for category in closure:
        assert category == taxonomy.category(category.id)
        assert closure.ancestors(category.id) == taxonomy.ancestors(category.id)


def test_an_empty_taxonomy_is_allowed_and_has_nothing():
    assert len(Taxonomy(())) == 0
    assert Taxonomy(()).roots == Taxonomy(()).topological_order == ()
