import dataclasses

import pytest

from genod_client import Ancestor, Box, Detection, Detections, ImageSize
from tests.clients.answers import expected_detections

BOARD, ELECTRONICS = Ancestor(7, "development board"), Ancestor(3, "electronics")


def row(name, class_id, *ancestors, box=(0, 0, 10, 10), score=0.5, propagated=False):
    return Detection(Box(*box), score, name, class_id, ancestors, propagated)


def detections(*rows):
    return Detections(ImageSize(100, 100), rows, "1")


def grouped(answer, **arguments):
    return [(found.name, [copy.name for copy in found.copies]) for found in answer.objects(**arguments)]


def test_results_are_frozen_and_have_no_room_for_more():
    answer = expected_detections()
    for value in (answer, answer[0], answer.objects()[0]):
        field = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)
        assert not hasattr(value, "__dict__")
    assert hash(answer) == hash(expected_detections())


def test_a_detection_prints_its_label_chain():
    esp = row("ESP8266", 20, BOARD, ELECTRONICS, score=0.926)
    assert esp.label_chain == ("ESP8266", "development board", "electronics")
    assert str(esp) == "ESP8266 < development board < electronics 0.93"


def test_a_box_knows_its_size():
    box = Box(1.0, 2.0, 4.0, 8.0)
    assert (box.width, box.height) == (3.0, 6.0)


def test_an_answer_is_a_sequence_of_rows():
    answer = expected_detections()
    assert len(answer) == 5
    assert answer[0].name == "ESP8266"
    assert [found.class_id for found in answer] == [20, 7, 3, 31, 3]


def test_a_detection_is_grouped_with_its_copies_and_a_general_detection_stands_for_itself():
    assert grouped(expected_detections()) == [
        ("ESP8266", ["development board", "electronics"]),
        ("Raspberry Pi 3", []),  # its copies overlapped those of the ESP8266
        ("electronics", []),
    ]


def test_min_score_keeps_what_scores_at_least_that():
    answer = expected_detections()
    assert [found.name for found in answer.objects(min_score=answer[3].score)] == [
        "ESP8266",
        "Raspberry Pi 3",
    ]
    assert len(answer.above(answer[3].score)) == 4


def test_a_copy_goes_to_the_detection_that_has_it_as_an_ancestor():
    # Two natives at one place with one score: only the taxonomy tells whose copy it is.
    esp = row("ESP8266", 20, BOARD, ELECTRONICS)
    cat = row("cat", 50, Ancestor(51, "animal"))
    answer = detections(
        cat,
        esp,
        row("animal", 51, propagated=True),
        row("development board", 7, ELECTRONICS, propagated=True),
    )
    assert grouped(answer) == [("cat", ["animal"]), ("ESP8266", ["development board"])]


def test_a_copy_at_another_place_or_with_another_score_is_an_object_of_its_own():
    esp = row("ESP8266", 20, BOARD, ELECTRONICS, score=0.5)
    moved = row("development board", 7, ELECTRONICS, box=(0, 0, 10, 11), score=0.9, propagated=True)
    other = row("electronics", 3, score=0.4, propagated=True)
    assert grouped(detections(moved, esp, other)) == [
        ("development board", []),
        ("ESP8266", []),
        ("electronics", []),
    ]


def test_equal_rows_do_not_swallow_each_other():
    esp = row("ESP8266", 20, BOARD)
    assert grouped(detections(esp, esp)) == [("ESP8266", []), ("ESP8266", [])]


def test_an_answer_without_rows_has_no_objects():
    assert detections().objects() == ()
