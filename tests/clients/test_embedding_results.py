import dataclasses
import pickle

import numpy as np
import pytest

from genod_client import Box, EmbedderMismatchError, VisualHash
from tests.clients.answers import expected_embeddings, expected_visual_search

BOXES = (Box(1, 2, 30, 40), Box(100, 50, 120, 60))


def test_results_are_frozen_equal_to_the_bit_hashable_and_can_be_pickled():
    for answer in (expected_visual_search(), expected_embeddings(*BOXES)):
        for value in (answer, answer[0]):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, dataclasses.fields(value)[0].name, None)
            assert not hasattr(value, "__dict__")
            assert pickle.loads(pickle.dumps(value)) == value
            assert hash(value) == hash(pickle.loads(pickle.dumps(value)))
    changed = bytearray(expected_visual_search()[0].embedding_data)
    changed[0] ^= 1
    assert (
        dataclasses.replace(expected_visual_search()[0], embedding_data=bytes(changed)) != expected_visual_search()[0]
    )


def test_an_embedding_is_a_float32_array_that_nobody_can_change():
    embedding = expected_embeddings(*BOXES)[0].embedding
    assert (embedding.dtype, embedding.shape) == (np.float32, (6,))
    assert np.linalg.norm(embedding) == pytest.approx(1)
    with pytest.raises(ValueError, match="read-only"):
        embedding[0] = 0


def test_two_objects_have_a_distance_and_a_similarity():
    one, other = expected_embeddings(*BOXES)
    expected = np.unpackbits(np.frombuffer(one.hash.data, "u1") ^ np.frombuffer(other.hash.data, "u1")).sum()
    assert one.hamming_distance(other) == expected
    assert one.cosine_similarity(one) == pytest.approx(1)
    assert one.cosine_similarity(other) == pytest.approx(
        sum(float(a) * float(b) for a, b in zip(one.embedding, other.embedding, strict=True)), abs=1e-6
    )


def test_objects_of_two_embedders_are_never_compared():
    one, other = expected_embeddings(*BOXES)
    newer = dataclasses.replace(other, hash=VisualHash(other.hash.data, "toy-2"))
    for compare in (one.hamming_distance, one.cosine_similarity):
        with pytest.raises(EmbedderMismatchError, match="'toy-1' made the one and 'toy-2' the other"):
            compare(newer)
    assert newer.embedder_version == "toy-2"


def test_answers_are_sequences_of_their_objects():
    search, embeddings = expected_visual_search(), expected_embeddings(*BOXES)
    assert [found.name for found in search] == ["ESP8266", "Raspberry Pi 3", "electronics"]
    assert (len(search), search[2].class_id, search.image_size, search.model_version) == (3, 3, (640, 480), "1")
    assert [row.box for row in embeddings] == list(BOXES)
    assert len(embeddings) == 2


def test_min_score_applies_to_detections_and_objects():
    kept = expected_visual_search().above(0.5)
    assert [found.name for found in kept] == ["ESP8266", "Raspberry Pi 3"]
    assert kept.detections == expected_visual_search().detections.above(0.5)


def test_attributes_are_told_by_head():
    (row,) = expected_embeddings(BOXES[0])
    assert [str(attribute) for attribute in row.attributes_of("colour")] == [
        "colour: blue 0.70",
        "colour: red 0.20",
        "colour: green 0.10",
    ]
    assert [attribute.name for attribute in row.attributes_of("kind")] == ["board", "box"]
    assert row.attributes_of("taste") == ()
    assert len(row.attributes) == 5


def test_an_object_prints_its_label_chain():
    assert str(expected_visual_search()[0]) == "ESP8266 < development board < electronics 0.90"
