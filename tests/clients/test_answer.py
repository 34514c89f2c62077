import dataclasses

import numpy as np
import pytest

from genod_client.answer import OUTPUTS, Answer
from genod_client.errors import UnexpectedResponseError
from genod_client.operations import InferReply
from genod_client.taxonomy import NO_CLASSES, Taxonomy
from genod_client.tensors import Tensor, serialize_bytes_element
from tests.clients.answers import TAXONOMY_JSON, expected_detections, infer_reply

TAXONOMY = Taxonomy.from_json(TAXONOMY_JSON)


def with_tensor(name, **changes):
    reply = infer_reply()
    return InferReply("1", {**reply.tensors, name: dataclasses.replace(reply.tensors[name], **changes)})


def test_an_answer_is_decoded_to_the_bit():
    assert Answer(infer_reply()).with_names(TAXONOMY) == expected_detections()


def test_an_answer_without_detections_needs_no_taxonomy():
    answer = Answer(infer_reply(rows=[], image_size=(3, 2)))
    assert answer.unknown_ids(NO_CLASSES) == []
    found = answer.with_names(NO_CLASSES)
    assert (len(found), found.image_size) == (0, (3, 2))


def test_rows_past_the_count_are_ignored():
    reply = with_tensor("num_detections", data=np.array([2], np.int32).tobytes())
    assert Answer(reply).with_names(TAXONOMY).detections == expected_detections().detections[:2]


def test_unknown_classes_are_named_by_id():
    answer = Answer(infer_reply())
    assert answer.unknown_ids(NO_CLASSES) == [3, 7, 20, 31]
    with pytest.raises(UnexpectedResponseError, match=r"lacks the class ids \[3, 7, 20, 31\]"):
        answer.with_names(NO_CLASSES)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_missing_output_is_refused_by_name(name):
    tensors = {other: tensor for other, tensor in infer_reply().tensors.items() if other != name}
    with pytest.raises(UnexpectedResponseError, match=f"lacks the outputs .*{name}"):
        Answer(InferReply("1", tensors))


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("changes", [{"datatype": "FP64"}, {"shape": (2, 300)}, {"shape": ()}, {"data": b""}])
def test_a_tensor_against_the_contract_is_refused_with_both_sides(name, changes):
    with pytest.raises(UnexpectedResponseError, match=r"must be|takes \d+ bytes"):
        Answer(with_tensor(name, **changes))


@pytest.mark.parametrize("count", [-1, 301])
def test_an_impossible_count_is_refused(count):
    with pytest.raises(UnexpectedResponseError, match="between 0 and the 300 rows"):
        Answer(with_tensor("num_detections", data=np.array([count], np.int32).tobytes()))


@pytest.mark.parametrize(
    "array",
    [np.array([[0.1, -3e38, 1e-45]], "f4"), np.array([[-1, 2**31 - 1]], "i4"), np.array([[True, False]])],
)
def test_values_equal_numpys_reading(array):
    datatype = {"f": "FP32", "i": "INT32", "b": "BOOL"}[array.dtype.kind]
    values = Tensor(datatype, array.shape, array.tobytes()).values("any", datatype, array.shape)
    assert list(values) == array[0].tolist()


def test_a_bytes_tensor_is_serialized_as_tritonclient_does():
    from tritonclient.utils import serialize_byte_tensor

    theirs = serialize_byte_tensor(np.array([b"\xff\xd8photo"], dtype=object)).item()
    assert serialize_bytes_element(b"\xff\xd8photo") == theirs
