import pytest

from training.publish.certificate import Certificate, ProbeAnswer, compare_categories

BEFORE = {"coco": {"cat": 0.500, "dog": 0.40, "bear": 0.3}}


def certificate(after, *, probe=("a", "a"), **options):
    options = {"new_classes": {}, "allowed_loss": 0.01, "allowed_losses": {}, **options}
    return Certificate(
        head="head_new",
        version=1,
        graph_sha256="0" * 64,
        backbone_sha256="1" * 64,
        classes={"fox": 7},
        taken_over={},
        recipe="head: head_new\n",
        trained_on=(),
        probe_canvases=2,
        probe=(ProbeAnswer(head="head_old", before_sha256=probe[0], after_sha256=probe[1]),),
        categories=compare_categories(BEFORE, after, **options),
    )


def test_nothing_lost_is_nothing_refused():
    assert certificate({"coco": {"cat": 0.5, "dog": 0.6, "bear": 0.3}}).refusals() == []


@pytest.mark.parametrize(("after", "is_refused"), [(0.4901, False), (0.49, False), (0.4899, True), (0.0, True)])
def test_a_loss_is_refused_beyond_the_margin_and_not_at_it(after, is_refused):
    assert bool(certificate({"coco": {"cat": after}}).refusals()) is is_refused


def test_a_refusal_names_the_category_the_set_and_the_numbers():
    (line,) = certificate({"coco": {"cat": 0.45, "dog": 0.4}}).refusals()
    assert line == "cat on coco: AP 0.5000 became 0.4500, a loss of 0.0500 where 0.0100 is allowed"


def test_margins_are_per_category():
    after = {"coco": {"cat": 0.45, "dog": 0.35}}
    (line,) = certificate(after, allowed_losses={"cat": 0.06}).refusals()
    assert line.startswith("dog on coco")


def test_a_category_that_vanished_is_a_loss_of_all_it_had():
    assert certificate({"coco": {"cat": 0.0}}).refusals() != []


def test_a_new_category_has_nothing_to_lose():
    made = certificate({"coco": {"fox": 0.1}}, new_classes={"coco": {"fox"}})
    assert made.refusals() == []
    assert "| coco | fox | new | 0.1000 |" in made.as_markdown()


def test_another_head_that_moved_by_one_bit_is_refused_and_shown():
    made = certificate({"coco": {}}, probe=("a" * 64, "b" * 64))
    assert made.refusals() == ["head_old answers differently on the probe set: aaaaaaaaaaaa became bbbbbbbbbbbb"]
    assert "**DIFFERENT**" in made.as_markdown()
