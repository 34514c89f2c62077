import numpy as np
import pytest

from loadtest.benchmarks.peers.agreement import DisagreementError, check_agreement
from loadtest.benchmarks.peers.sides import Answer


def answer(*rows):
    boxes, scores, ids = zip(*rows, strict=True) if rows else ((), (), ())
    return Answer(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        class_ids=np.array(ids, np.int32),
    )


CAT = ((10, 10, 50, 50), 0.9, 3)
DOG = ((60, 10, 90, 50), 0.8, 4)


def test_rounding_and_the_order_of_equals_do_not_matter():
    near = ((10.4, 10, 50, 50), 0.9004, 3)
    check_agreement(answer(CAT, DOG), answer(DOG, near), what="photo 0")


def test_one_more_at_the_threshold_does_not_matter():
    check_agreement(answer(CAT), answer(CAT, ((0, 0, 9, 9), 0.0501, 7)), what="photo 0")


@pytest.mark.parametrize(
    "other",
    [
        answer(CAT),
        answer(CAT, DOG, ((0, 0, 9, 9), 0.5, 7)),
        answer(CAT, ((60, 10, 90, 52), 0.8, 4)),
        answer(CAT, ((60, 10, 90, 50), 0.8, 5)),
        answer(CAT, ((60, 10, 90, 50), 0.7, 4)),
        answer(),
    ],
)
def test_another_object_box_class_or_score_is_a_disagreement(other):
    with pytest.raises(DisagreementError, match="photo 0"):
        check_agreement(answer(CAT, DOG), other, what="photo 0")


def test_many_more_at_the_threshold_are_a_disagreement():
    crowd = [((k, 0, k + 9, 9), 0.0501, 7) for k in range(4)]
    with pytest.raises(DisagreementError, match="1 detections against 5"):
        check_agreement(answer(CAT), answer(CAT, *crowd), what="photo 0")
