import numpy as np
import pytest

from training.embedder.after_training.clean_pairs import PairScores, score_pairs
from training.embedder.after_training.errors import PairsError
from training.embedder.after_training.text_features import text_features

QUERIES = ["red apple", "green apple", "oat milk", "sofa", "leather chair", "lamp"]


def planted(*, photos=240, wrong_share=0.15, seed=0, bits=64):
    """Photos of six queries, of which some are listed under a wrong one. Returns hashes, pairs and which are wrong."""
    random = np.random.default_rng(seed)
    query = np.arange(photos) % len(QUERIES)
    centres = random.standard_normal((len(QUERIES), bits))
    hashes = np.packbits(centres[query] + 0.8 * random.standard_normal((photos, bits)) > 0, axis=1)
    is_wrong = random.random(photos) < wrong_share
    listed = np.where(is_wrong, (query + random.integers(1, len(QUERIES), photos)) % len(QUERIES), query)
    return hashes, np.stack([np.arange(photos), listed], axis=1), is_wrong


def precision_recall(removed, is_wrong):
    return float(is_wrong[removed].mean()), float(removed[is_wrong].mean())


def test_what_is_removed_are_the_planted_wrong_pairs():
    hashes, pairs, is_wrong = planted()

    scores = score_pairs(hashes, QUERIES, pairs)

    for name, removed in (
        ("both", scores.is_low()),
        ("siamese", scores.is_low(min_svm=-np.inf)),
        ("svm", scores.is_low(min_siamese=-np.inf)),
    ):
        precision, recall = precision_recall(removed, is_wrong)
        print(f"{name}: precision {precision:.3f}, recall {recall:.3f} of {is_wrong.sum()} wrong in {len(pairs)}")
        assert precision > 0.8, name
        assert recall > 0.8, name


def test_clean_pairs_are_nearly_all_kept():
    hashes, pairs, _ = planted(wrong_share=0.0)

    assert score_pairs(hashes, QUERIES, pairs).is_low().mean() < 0.05


def test_a_query_with_few_photos_has_no_machine_and_the_siamese_model_decides_alone():
    hashes, pairs, _ = planted(photos=150)  # 25 of each query and no more

    scores = score_pairs(hashes, QUERIES, pairs[pairs[:, 1] != 5])

    few = [q for q in range(5) if (pairs[:, 1] == q).sum() <= 25]
    assert few
    column = pairs[pairs[:, 1] != 5][:, 1]
    assert np.isnan(scores.svm[np.isin(column, few)]).all()
    assert not np.isnan(scores.svm[~np.isin(column, few)]).any()
    assert np.isfinite(scores.siamese).all()


def test_a_missing_score_has_no_say():
    scores = PairScores(siamese=np.array([0.9, 0.1, 0.9], np.float32), svm=np.array([np.nan, np.nan, -1.0]))

    assert scores.is_low().tolist() == [False, True, True]


def test_the_same_seed_gives_the_same_scores():
    hashes, pairs, _ = planted(photos=60)

    first, second = (score_pairs(hashes, QUERIES, pairs, min_photos=5, seed=3) for _ in range(2))

    np.testing.assert_array_equal(first.siamese, second.siamese)
    np.testing.assert_array_equal(first.svm, second.svm)


def test_queries_that_differ_in_case_alone_are_one():
    hashes, pairs, _ = planted(photos=60)
    upper = [*QUERIES, QUERIES[0].upper()]
    again = np.concatenate([pairs, [[photo, 6] for photo, query in pairs.tolist() if query == 0]])

    scores = score_pairs(hashes, upper, again, min_photos=5)

    both = np.flatnonzero(again[:60, 1] == 0)
    np.testing.assert_allclose(scores.siamese[both], scores.siamese[60:], rtol=1e-5)
    np.testing.assert_array_equal(scores.svm[both], scores.svm[60:])
    with pytest.raises(PairsError, match="2 different queries"):
        score_pairs(hashes, ["Sofa", "sofa!"], np.array([[photo, photo % 2] for photo in range(60)]))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (np.zeros((0, 2), np.int64), "one or more rows"),
        (np.array([[0, 0], [0, 0]]), "there once"),
        (np.array([[0, 0], [1, 9]]), "must point to"),
        (np.array([[k, 0] for k in range(9)]), "at least 5 photos and 2 queries"),
        (np.array([[0, 0], [1, 1]]), "at least 5 photos and 2 queries"),
    ],
)
def test_pairs_that_nothing_can_be_learned_from_are_refused(pairs, message):
    with pytest.raises(PairsError, match=message):
        score_pairs(np.zeros((10, 8), np.uint8), QUERIES, pairs)


def test_queries_that_share_words_or_pieces_of_them_are_near():
    features = text_features(["red sofa", "Sofas", "oat milk", "RED SOFA"])

    assert features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    similar = features @ features.T
    assert similar[0, 3] == pytest.approx(1, abs=1e-5)
    assert similar[0, 1] > 0.1 > abs(similar[0, 2])


def test_many_queries_are_reduced_to_a_hundred_floats():
    assert text_features([f"thing {k} of {k * 7919 % 100003}" for k in range(150)]).shape == (150, 100)


@pytest.mark.parametrize("queries", [[], ["red", "  "], ["!?"]])
def test_queries_without_a_letter_are_refused(queries):
    with pytest.raises(PairsError):
        text_features(queries)
