import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genod_client.errors import UnexpectedResponseError
from genod_client.taxonomy import Taxonomy
from tests.clients.answers import TAXONOMY_JSON


def taxonomy_of(**parents_by_name):
    """A taxonomy from names; ids count from 1 in the order given."""
    ids = {name: number for number, name in enumerate(parents_by_name, start=1)}
    classes = [
        {"id": ids[name], "name": name, "parents": [ids[parent] for parent in parents]}
        for name, parents in parents_by_name.items()
    ]
    return Taxonomy.from_json(json.dumps(classes)), ids


def ancestor_names(taxonomy, class_id):
    return [ancestor.name for ancestor in taxonomy.ancestors(class_id)]


def test_a_class_has_its_name_and_its_ancestors_from_specific_to_general():
    taxonomy = Taxonomy.from_json(TAXONOMY_JSON)
    assert taxonomy.name(20) == "ESP8266"
    assert [tuple(ancestor) for ancestor in taxonomy.ancestors(20)] == [
        (7, "development board"),
        (3, "electronics"),
    ]
    assert taxonomy.ancestors(3) == ()
    assert taxonomy.class_ids == (3, 7, 20, 31)
    assert 20 in taxonomy
    assert 21 not in taxonomy
    assert len(taxonomy) == 4


def test_an_ancestor_with_several_paths_is_named_once_and_after_all_below_it():
    #  thing <- vehicle <- boat <- amphibian;  thing <- amphibian directly, too;  vehicle <- car <- amphibian
    taxonomy, ids = taxonomy_of(
        thing=[], amphibian=["thing", "car", "boat"], car=["vehicle"], boat=["vehicle"], vehicle=["thing"]
    )
    assert ancestor_names(taxonomy, ids["amphibian"]) == ["car", "boat", "vehicle", "thing"]


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=30), st.randoms())
def test_ancestors_are_all_that_can_be_reached_each_before_its_own(choices, random):
    # Parents are chosen among earlier classes: no circle. Ids are shuffled: their order means nothing.
    ids = list(range(1, 4 * len(choices), 4))
    random.shuffle(ids)
    parents = {
        ids[row]: sorted({ids[choice % row] for choice in chosen} if row else ()) for row, chosen in enumerate(choices)
    }
    taxonomy = Taxonomy.from_json(
        json.dumps([{"id": id_, "name": f"c{id_}", "parents": of} for id_, of in parents.items()])
    )

    def reach(class_id):
        return {id_ for parent in parents[class_id] for id_ in (parent, *reach(parent))}

    for class_id in parents:
        found = [ancestor.class_id for ancestor in taxonomy.ancestors(class_id)]
        assert set(found) == reach(class_id)
        assert len(found) == len(set(found))
        for place, ancestor_id in enumerate(found):
            assert not reach(ancestor_id) & set(found[:place])


def test_an_unknown_parent_and_a_circle_are_refused():
    with pytest.raises(UnexpectedResponseError, match=r"gives class 1 parents that do not exist: \[9\]"):
        Taxonomy.from_json('[{"id": 1, "name": "a", "parents": [9]}]')
    with pytest.raises(UnexpectedResponseError, match="circle of parents"):
        taxonomy_of(a=["b"], b=["a"])


@pytest.mark.parametrize("text", ["", "[1]", "{}x", "null", '[{"id": 1}]', '[{"id": "x", "name": "a", "parents": []}]'])
def test_what_is_no_taxonomy_is_refused_with_its_beginning(text):
    with pytest.raises(UnexpectedResponseError, match="must be a JSON list of objects with id, name and parents"):
        Taxonomy.from_json(text)
