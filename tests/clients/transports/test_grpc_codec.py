import struct

import pytest
from tritonclient.grpc import service_pb2

from genod_client.answer import OUTPUTS
from genod_client.errors import UnexpectedResponseError
from genod_client.operations import CheckReady, Infer, ListModels, ModelRef, ReadParameters
from genod_client.tensors import float32_tensor
from genod_client.transports.grpc_channel import CHANNEL_OPTIONS
from genod_client.transports.grpc_codec import decode, encode

MODEL = ModelRef("detect", "3")


def test_a_photo_is_sent_as_a_raw_bytes_tensor():
    method, message = encode(Infer(MODEL, b"\xff\xd8", OUTPUTS))
    assert method == "ModelInfer"
    assert (message.model_name, message.model_version) == ("detect", "3")
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in message.inputs] == [
        ("image", "BYTES", [1, 1])
    ]
    assert list(message.raw_input_contents) == [b"\x02\0\0\0\xff\xd8"]
    assert tuple(output.name for output in message.outputs) == OUTPUTS


def test_boxes_are_sent_raw_behind_the_photo_and_all_outputs_asked_for():
    boxes = float32_tensor((1, 1, 4), [1, 2, 3, 4])
    _, message = encode(Infer(MODEL, b"\xff\xd8", (), {"boxes": boxes}))
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in message.inputs] == [
        ("image", "BYTES", [1, 1]),
        ("boxes", "FP32", [1, 1, 4]),
    ]
    assert list(message.raw_input_contents) == [b"\x02\0\0\0\xff\xd8", struct.pack("<4f", 1, 2, 3, 4)]
    assert list(message.outputs) == []


def test_the_models_that_are_ready_are_asked_for_and_named_once():
    method, message = encode(ListModels(MODEL))
    assert (method, message.ready) == ("RepositoryIndex", True)
    index = service_pb2.RepositoryIndexResponse.ModelIndex
    answer = service_pb2.RepositoryIndexResponse(
        models=[index(name="detect", version="2"), index(name="backbone"), index(name="detect", version="1")]
    )
    assert decode(ListModels(MODEL), answer) == ("backbone", "detect")


def test_the_other_operations_name_the_model():
    for operation, expected in ((ReadParameters(MODEL), "ModelConfig"), (CheckReady(MODEL), "ModelReady")):
        method, message = encode(operation)
        assert (method, message.name, message.version) == (expected, "detect", "3")


def test_an_answer_whose_tensors_lack_their_bytes_is_refused():
    tensor = service_pb2.ModelInferResponse.InferOutputTensor(name="boxes", datatype="FP32", shape=[1])
    with pytest.raises(UnexpectedResponseError, match="describes 1 tensors, but holds 0"):
        decode(Infer(MODEL, b"", OUTPUTS), service_pb2.ModelInferResponse(outputs=[tensor]))


def test_the_channel_has_no_message_limits():
    options = dict(CHANNEL_OPTIONS)
    assert options["grpc.max_send_message_length"] == options["grpc.max_receive_message_length"] == -1
