from pathlib import Path

import pytest

from training.taxonomy import Category, DatasetMapping, Taxonomy
from training.taxonomy.difference import Difference, Moved, Remapped, Renamed, difference
from training.taxonomy.render import render_difference

ANIMAL, PET, CAT, DOG = Category(1, "animal"), Category(2, "pet"), Category(3, "cat", ("animal",)), Category(7, "dog")
OLD = Taxonomy((ANIMAL, PET, CAT, DOG))


def compare(*new, old=OLD, old_labels=None, new_labels=None) -> Difference:
    mappings = [[DatasetMapping("zoo", Path("zoo.yaml"), labels or {})] for labels in (old_labels, new_labels)]
    return difference(old, Taxonomy(new), *mappings)


def test_nothing_changed_where_all_is_the_same_in_another_order():
    changes = compare(DOG, CAT, PET, ANIMAL, old_labels={"Cat": 3}, new_labels={"Cat": 3})
    assert not changes
    assert list(render_difference(changes, OLD)) == ["nothing changed"]


def test_new_categories_are_added_with_ids_above_the_largest():
    fox = Category(8, "fox", ("animal",))
    changes = compare(ANIMAL, PET, CAT, DOG, fox)
    assert changes.added == (fox,)
    assert changes.violations == ()


def test_a_new_category_with_a_smaller_id_may_have_taken_one_that_was_given_away():
    changes = compare(ANIMAL, PET, CAT, DOG, Category(5, "fox"))
    assert [category.name for category in changes.added] == ["fox"]
    assert "id 5 of the new 'fox' is below 7" in changes.violations[0]


def test_other_words_for_the_same_are_a_renaming_and_its_children_do_not_move():
    changes = compare(Category(1, "creature"), PET, Category(3, "cat", ("creature",)), DOG)
    assert changes.renamed == (Renamed(1, "animal", "creature"),)
    assert changes.moved == ()
    assert changes.violations == ()


def test_other_parents_or_another_order_of_them_are_a_move():
    changes = compare(ANIMAL, PET, Category(3, "cat", ("pet", "animal")), DOG)
    assert changes.moved == (Moved(3, "cat", ("animal",), ("pet", "animal")),)
    assert changes.violations == ()


def test_an_id_that_is_gone_is_a_violation():
    changes = compare(ANIMAL, PET, CAT)
    assert changes.removed == (DOG,)
    assert "id 7, 'dog', is gone" in changes.violations[0]


def test_a_name_that_got_another_id_is_a_violation():
    changes = compare(ANIMAL, PET, CAT, Category(8, "dog"))
    assert "'dog' had the id 7 and now has 8" in changes.violations[0]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ((ANIMAL, PET, Category(3, "dog", ("animal",)), Category(7, "cat")), "id 3 was 'cat' and is 'dog', while"),
        ((ANIMAL, PET, Category(3, "sofa"), DOG), "id 3 was 'cat' and is 'sofa', below none of its former parents"),
        ((ANIMAL, PET, Category(3, "sofa", ("pet",)), DOG), "id 3 was 'cat' and is 'sofa', below none of its former"),
    ],
)  # fmt: skip
def test_an_id_that_stands_for_something_else_is_a_violation(new, message):
    assert any(message in violation for violation in compare(*new).violations)


def test_a_new_name_with_none_of_the_former_labels_is_a_violation():
    new = (ANIMAL, PET, Category(3, "ferret", ("animal",)), DOG)
    changes = compare(*new, old_labels={"Cat": 3}, new_labels={"Ferret": 3})
    assert "none of its former labels means it any more" in changes.violations[0]
    reworded = compare(*new, old_labels={"Cat": 3}, new_labels={"Cat": 3, "Ferret": 3})
    assert reworded.violations == ()


def test_labels_that_are_new_gone_or_mean_something_else_are_listed():
    changes = compare(
        ANIMAL, PET, CAT, DOG, old_labels={"Cat": 3, "Dog": 7, "Pet": 2}, new_labels={"Cat": 3, "Dog": 2, "Hound": 7}
    )
    assert changes.remapped == (
        Remapped("zoo", "Dog", "dog", "pet"),
        Remapped("zoo", "Pet", "pet", None),
        Remapped("zoo", "Hound", None, "dog"),
    )


def test_every_change_is_a_line_and_violations_come_last():
    new = Taxonomy((Category(1, "[creature]"), PET, Category(3, "cat", ("pet",)), Category(8, "fox")))
    mappings = [[DatasetMapping("zoo", Path("zoo.yaml"), labels)] for labels in ({}, {"A": 3, "B": 3})]
    lines = list(render_difference(difference(OLD, new, *mappings), new))
    assert lines[0] == "1 added, 1 removed, 1 renamed, 1 moved, 2 labels remapped"
    assert lines[1:6] == [
        "[green]+ fox #8[/green] as a root",
        "[red]- dog #7[/red] as a root",
        r"[yellow]~ animal #1[/yellow] is now \[creature]",
        "[yellow]> cat #3[/yellow] below pet, was below animal",
        "[green]+ zoo[/green]: 2 labels more",
    ]
    assert lines[-1].startswith("[bold red]error: id 7, 'dog', is gone")
