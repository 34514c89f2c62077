from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.training.embedder.evaluation.painted_crops import crop
from training.embedder.data import LabelledCrop
from training.embedder.evaluation.disturbed_crop import disturbed
from training.embedder.evaluation.errors import EvaluationError
from training.embedder.evaluation.protocol import canonical, leave_one_out, search, unseen


def crops_of(labels: Sequence[str], prefix: str = "") -> list[LabelledCrop]:
    return [crop(Path(f"{prefix}{number}.png"), label) for number, label in enumerate(labels)]


def test_queries_are_looked_for_in_the_gallery_alone() -> None:
    queries, gallery = crops_of(["a", "b"], "q"), crops_of(["b", "a", "c"], "g")
    protocol = search("shop", "queries", queries, gallery, kind="label")
    (case,) = protocol.cases

    assert [protocol.crops[k] for k in case.queries] == queries
    assert [protocol.crops[k] for k in case.gallery] == gallery
    assert protocol.is_right(case).tolist() == [[False, True, False], [True, False, False]]
    assert case.is_in_gallery.all()


def test_a_crop_is_never_its_own_answer() -> None:
    protocol = leave_one_out("all", "crops", crops_of(["a", "a", "b"]), kind="label")
    (case,) = protocol.cases
    assert case.is_in_gallery.tolist() == (~np.eye(3, dtype=bool)).tolist()


def test_two_images_stand_for_each_label_and_every_other_one_is_asked_for() -> None:
    crops = crops_of(["a"] * 4 + ["b"] * 3 + ["too few"] * 2)
    protocol = canonical("logos", "two each", crops, kind="label", draws=30)

    galleries = set()
    for case in protocol.cases:
        stand_for = [protocol.labels[k][0] for k in case.gallery]
        asked = [protocol.labels[k][0] for k in case.queries]
        assert sorted(stand_for) == ["a", "a", "b", "b"]
        assert sorted(asked) == ["a", "a", "b"]
        assert not set(case.gallery) & set(case.queries)
        galleries.add(tuple(sorted(case.gallery)))
    assert len(galleries) > 10
    again = canonical("logos", "two each", crops[::-1], kind="label", draws=30)
    assert [[str(again.crops[k].path) for k in c.gallery] for c in again.cases] == [
        [str(protocol.crops[k].path) for k in c.gallery] for c in protocol.cases
    ]


def test_without_draws_the_first_images_by_name_stand_for_a_label() -> None:
    protocol = canonical("logos", "two each", crops_of(["b", "a"] * 3), kind="label", draws=0)
    (case,) = protocol.cases
    assert sorted(str(protocol.crops[k].path) for k in case.gallery) == ["0.png", "1.png", "2.png", "3.png"]


def test_changed_queries_are_looked_for_among_unchanged_images() -> None:
    crops = crops_of(["a"] * 3 + ["b"] * 3)
    protocol = canonical("logos", "askew", crops, kind="label", draws=5, changed=disturbed)
    for case in protocol.cases:
        assert {type(protocol.crops[k]) for k in case.gallery} == {LabelledCrop}
        assert {type(protocol.crops[k]).__name__ for k in case.queries} == {"DisturbedCrop"}
        shown = {protocol.crops[k].path for k in case.gallery}
        assert shown.isdisjoint(protocol.crops[k].path for k in case.queries)


def test_unseen_products_are_asked_for_among_themselves_and_among_all() -> None:
    among_unseen, among_all = unseen("shop", crops_of(["a", "a", "b", "b", "c"]), ["a", "b"], kind="label")

    assert {label for labels in among_unseen.labels for label in labels} == {"a", "b"}
    assert len(among_unseen.cases[0].queries) == 4
    assert [among_all.labels[k][0] for k in among_all.cases[0].queries] == ["a", "a", "b", "b"]
    assert len(among_all.cases[0].gallery) == 5


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    with pytest.raises(EvaluationError, match="shop has no label z"):
        unseen("shop", crops_of(["a", "a"]), ["z"], kind="label")
    with pytest.raises(EvaluationError, match=r"1 labels .* more than 2 images"):
        canonical("logos", "", crops_of(["a"] * 3 + ["b"]), kind="label")
    with pytest.raises(EvaluationError, match="0 queries and 1 crops"):
        search("shop", "", [], crops_of(["a"]), kind="label")
