import numpy as np
import onnxruntime
import pytest

from training.embedder.export.object_selection import NUM_OBJECTS, build_object_selection

ROWS = 40


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(build_object_selection().SerializeToString())


def detections(num_detections, is_propagated, seed=0):
    """Rows as label propagation gives them: descending, and 0 past the count."""
    rng = np.random.default_rng(seed)
    count = np.array(num_detections, np.int32)
    is_used = np.arange(ROWS) < count[:, None]
    scores = -np.sort(-rng.random((len(count), ROWS), np.float32), axis=1)
    return {
        "boxes": rng.random((len(count), ROWS, 4), np.float32) * is_used[..., None],
        "scores": scores * is_used,
        "class_ids": rng.integers(1, 99, (len(count), ROWS), np.int32) * is_used,
        "is_propagated": np.array(is_propagated) & is_used,
        "num_detections": count[:, None],
        "image_size": rng.integers(1, 5000, (len(count), 2), np.int32),
    }


def select(session, feeds):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_the_best_native_rows_are_chosen_as_a_plain_loop_does(session, seed):
    rng = np.random.default_rng(seed)
    counts = [0, 1, 7, 16, 17, ROWS]
    feeds = detections(counts, rng.random((len(counts), ROWS)) < rng.random(), seed)
    answer = select(session, feeds)
    for image, count in enumerate(counts):
        chosen: list[int] = []
        for row in range(count):
            if not feeds["is_propagated"][image, row] and len(chosen) < NUM_OBJECTS:
                chosen.append(row)
        assert answer["num_objects"][image].tolist() == [len(chosen)]
        for of_objects, of_all in (
            ("object_boxes", "boxes"),
            ("object_scores", "scores"),
            ("object_class_ids", "class_ids"),
        ):
            np.testing.assert_array_equal(answer[of_objects][image, : len(chosen)], feeds[of_all][image, chosen])
            assert not answer[of_objects][image, len(chosen) :].any()


def test_a_row_past_the_count_is_no_object_whatever_it_holds(session):
    feeds = detections([3], np.zeros((1, ROWS), bool))
    feeds["boxes"][:], feeds["scores"][:], feeds["class_ids"][:] = 1, 1, 1
    assert select(session, feeds)["num_objects"].tolist() == [[3]]


def test_what_is_read_is_handed_on(session):
    feeds = detections([5, 30], np.zeros((2, ROWS), bool))
    answer = select(session, feeds)
    for given_back, name in (
        ("detected_boxes", "boxes"),
        ("detected_scores", "scores"),
        ("detected_class_ids", "class_ids"),
        ("detected_is_propagated", "is_propagated"),
        ("detected_count", "num_detections"),
        ("upright_size", "image_size"),
    ):
        np.testing.assert_array_equal(answer[given_back], feeds[name])
    np.testing.assert_array_equal(answer["boxes_to_embed"], answer["object_boxes"])
