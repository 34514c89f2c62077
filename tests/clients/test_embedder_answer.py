import dataclasses

import numpy as np
import pytest

from genod_client import Box, UnexpectedResponseError
from genod_client.embedder_answer import (
    EMBED_OUTPUTS,
    OBJECT_OUTPUTS,
    VISUAL_SEARCH_OUTPUTS,
    embed_result,
    visual_search_result,
)
from genod_client.embedder_description import EmbedderDescription
from genod_client.operations import InferReply
from genod_client.taxonomy import NO_CLASSES
from tests.clients.answers import (
    PARAMETERS_OF_MODEL,
    SCENE,
    embed_reply,
    expected_embeddings,
    expected_visual_search,
    visual_search_reply,
)

SEARCH = EmbedderDescription.from_parameters("visual_search", PARAMETERS_OF_MODEL["visual_search"])
EMBED = EmbedderDescription.from_parameters("embed", PARAMETERS_OF_MODEL["embed"])
BOXES = (Box(1, 2, 30, 40), Box(100, 50, 120, 60))
ATTRIBUTE_OUTPUTS = ("attribute_colour_ids", "attribute_colour_scores", "attribute_kind_ids", "attribute_kind_scores")


def changed(reply, name, **changes):
    return InferReply("1", {**reply.tensors, name: dataclasses.replace(reply.tensors[name], **changes)})


def without(reply, name):
    return InferReply("1", {other: tensor for other, tensor in reply.tensors.items() if other != name})


def test_a_visual_search_is_decoded_to_the_bit():
    assert visual_search_result(visual_search_reply(), SEARCH) == expected_visual_search()


def test_embeddings_are_decoded_to_the_bit_in_the_order_of_the_boxes():
    assert embed_result(embed_reply(BOXES), BOXES, EMBED) == expected_embeddings(*BOXES)
    assert embed_result(embed_reply(BOXES[::-1]), BOXES[::-1], EMBED).boxes == expected_embeddings(*BOXES).boxes[::-1]


def test_an_embedder_without_attribute_heads_gives_none():
    description = dataclasses.replace(EMBED, labels_of_head={})
    reply = embed_reply(BOXES)
    for name in ATTRIBUTE_OUTPUTS:
        reply = without(reply, name)
    assert [row.attributes for row in embed_result(reply, BOXES, description)] == [(), ()]


@pytest.mark.parametrize("count", [0, 1, 16])
def test_as_many_objects_as_the_server_counts(count):
    rows = [((index, 1, index + 2, 3), 0.9 - index / 100, 20, False) for index in range(count)]
    found = visual_search_result(visual_search_reply(rows), SEARCH)
    assert [row.box for row in found] == [row[0] for row in rows]


def test_more_than_sixteen_detections_have_sixteen_objects():
    rows = [((index, 1, index + 2, 3), 0.9 - index / 100, 20, False) for index in range(20)]
    found = visual_search_result(visual_search_reply(rows), SEARCH)
    assert (len(found.detections), len(found)) == (20, 16)


@pytest.mark.parametrize("name", VISUAL_SEARCH_OUTPUTS)
def test_a_missing_output_of_visual_search_is_refused_by_name(name):
    with pytest.raises(UnexpectedResponseError, match=f"lacks the outputs .*{name}"):
        visual_search_result(without(visual_search_reply(), name), SEARCH)


@pytest.mark.parametrize("name", [*EMBED_OUTPUTS, *ATTRIBUTE_OUTPUTS])
def test_a_missing_output_of_embed_is_refused_by_name(name):
    with pytest.raises(UnexpectedResponseError, match=f"lacks the outputs .*{name}"):
        embed_result(without(embed_reply(BOXES), name), BOXES, EMBED)


@pytest.mark.parametrize("changes", [{"datatype": "FP64"}, {"shape": (2, 300)}, {"shape": ()}, {"data": b""}])
@pytest.mark.parametrize("name", OBJECT_OUTPUTS)
def test_a_tensor_of_visual_search_against_the_contract_is_refused(name, changes):
    with pytest.raises(UnexpectedResponseError, match=r"must be|takes \d+ bytes"):
        visual_search_result(changed(visual_search_reply(), name, **changes), SEARCH)


@pytest.mark.parametrize("changes", [{"datatype": "FP64"}, {"shape": (2, 300)}, {"shape": ()}, {"data": b""}])
@pytest.mark.parametrize("name", [*EMBED_OUTPUTS, *ATTRIBUTE_OUTPUTS])
def test_a_tensor_of_embed_against_the_contract_is_refused(name, changes):
    with pytest.raises(UnexpectedResponseError, match=r"must be|takes \d+ bytes"):
        embed_result(changed(embed_reply(BOXES), name, **changes), BOXES, EMBED)


def test_an_answer_for_another_number_of_boxes_is_refused():
    with pytest.raises(UnexpectedResponseError, match=r"must be INT32 \[1, 1, 3\]"):
        embed_result(embed_reply(BOXES), BOXES[:1], EMBED)


@pytest.mark.parametrize("count", [-1, 17])
def test_an_impossible_count_of_objects_is_refused(count):
    reply = changed(visual_search_reply(), "num_objects", data=np.array([count], np.int32).tobytes())
    with pytest.raises(UnexpectedResponseError, match="between 0 and the 16 rows"):
        visual_search_result(reply, SEARCH)


def test_an_object_whose_class_has_no_name_is_refused():
    ids = np.zeros(16, np.int32)
    ids[:3] = 90
    with pytest.raises(UnexpectedResponseError, match=r"lacks the class ids \[90\] of its own objects"):
        visual_search_result(changed(visual_search_reply(), "object_class_ids", data=ids.tobytes()), SEARCH)
    with pytest.raises(UnexpectedResponseError, match="lacks the class ids"):
        visual_search_result(visual_search_reply(SCENE), dataclasses.replace(SEARCH, taxonomy=NO_CLASSES))


def test_an_attribute_without_a_name_is_refused():
    ids = np.array([[[0, 1], [2, 0]]], np.int32)
    with pytest.raises(UnexpectedResponseError, match=r"Head 'kind' has 2 labels; .* ids \[2\]"):
        embed_result(changed(embed_reply(BOXES), "attribute_kind_ids", data=ids.tobytes()), BOXES, EMBED)


def test_a_box_that_the_server_did_not_embed_is_refused_by_its_row():
    reply = embed_reply(BOXES)
    embeddings = np.frombuffer(reply.tensors["embeddings"].data, np.float32).reshape(2, 6).copy()
    embeddings[1] = 0
    with pytest.raises(UnexpectedResponseError, match="gave row 1 no embedding"):
        embed_result(changed(reply, "embeddings", data=embeddings.tobytes()), BOXES, EMBED)


def test_an_ensemble_that_does_not_tell_its_embedder_is_refused():
    with pytest.raises(UnexpectedResponseError, match=r"no parameter `embedder_version`.*\['taxonomy'\]"):
        EmbedderDescription.from_parameters("visual_search", {"taxonomy": "[]"})


@pytest.mark.parametrize("text", ["not JSON", "[]", '{"colour": "red"}', '{"colour": null}', "null"])
def test_attributes_that_cannot_be_read_are_refused(text):
    with pytest.raises(UnexpectedResponseError, match="parameter `attributes` must be a JSON object"):
        EmbedderDescription.from_parameters("embed", {"embedder_version": "v1", "attributes": text})
