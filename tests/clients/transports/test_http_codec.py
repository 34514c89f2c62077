import json

import numpy as np
import pytest

from genod_client.answer import OUTPUTS
from genod_client.errors import ServerError, UnexpectedResponseError
from genod_client.operations import CheckReady, Infer, ListModels, ModelRef, ReadParameters
from genod_client.tensors import float32_tensor
from genod_client.transports.http_codec import HttpResponse, decode, encode
from tests.clients.answers import TAXONOMY_JSON, infer_reply
from tests.clients.servers import http_config_response, http_infer_response

DETECT = ModelRef("detect")
INFER = Infer(DETECT, b"\xff\xd8 photo", OUTPUTS)


def response(wire):
    head, _, body = wire.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ") for line in lines)
    return HttpResponse(int(status.split()[1]), headers, body)


def test_a_photo_is_sent_as_it_is_behind_a_json_header_as_tritonclient_does():
    tritonclient_http = pytest.importorskip("tritonclient.http")
    ours = encode(INFER)
    image = tritonclient_http.InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[INFER.image]], dtype=object))
    outputs = [tritonclient_http.InferRequestedOutput(name) for name in OUTPUTS]
    their_body, their_length = tritonclient_http.InferenceServerClient.generate_request_body([image], outputs=outputs)
    length = int(ours.headers["inference-header-content-length"])
    assert ours.body[length:] == their_body[their_length:]
    theirs = json.loads(their_body[:their_length])
    assert json.loads(ours.body[:length]) == {"inputs": theirs["inputs"], "outputs": theirs["outputs"]}


def test_boxes_are_sent_behind_the_photo_and_all_outputs_asked_for_as_tritonclient_does():
    tritonclient_http = pytest.importorskip("tritonclient.http")
    boxes = np.array([[[1, 2, 3, 4], [5, 6, 7.5, 8]]], np.float32)
    operation = Infer(ModelRef("embed"), b"photo", (), {"boxes": float32_tensor(boxes.shape, boxes.ravel().tolist())})
    ours = encode(operation)
    inputs = [
        tritonclient_http.InferInput("image", [1, 1], "BYTES"),
        tritonclient_http.InferInput("boxes", [1, 2, 4], "FP32"),
    ]
    inputs[0].set_data_from_numpy(np.array([[b"photo"]], dtype=object))
    inputs[1].set_data_from_numpy(boxes)
    their_body, their_length = tritonclient_http.InferenceServerClient.generate_request_body(inputs)
    length = int(ours.headers["inference-header-content-length"])
    assert ours.body[length:] == their_body[their_length:]
    assert json.loads(ours.body[:length]) == json.loads(their_body[:their_length])


def test_the_models_that_are_ready_are_asked_for_and_named_once():
    request = encode(ListModels(DETECT))
    assert (request.method, request.path, json.loads(request.body)) == ("POST", "/v2/repository/index", {"ready": True})
    index = [
        {"name": "detect", "version": "2"},
        {"name": "backbone", "version": "1"},
        {"name": "detect", "version": "1"},
    ]
    answer = HttpResponse(200, {}, json.dumps(index).encode())
    assert decode(ListModels(DETECT), answer) == ("backbone", "detect")
    for body in (b"", b'[{"version": "1"}]', b"5"):
        with pytest.raises(UnexpectedResponseError, match="list of models"):
            decode(ListModels(DETECT), HttpResponse(200, {}, body))


def test_no_pixel_travels_as_json():
    request = encode(Infer(DETECT, bytes(range(256)) * 40, OUTPUTS))
    assert len(request.body) < 256 * 40 + 1000
    assert bytes(range(256)) * 40 in request.body


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        (INFER, "POST", "/v2/models/detect/infer"),
        (Infer(ModelRef("detect", "3"), b"photo", OUTPUTS), "POST", "/v2/models/detect/versions/3/infer"),
        (ReadParameters(DETECT), "GET", "/v2/models/detect/config"),
        (CheckReady(ModelRef("a/b", "3")), "GET", "/v2/models/a%2Fb/versions/3/ready"),
    ],
)
def test_each_operation_has_its_path(operation, method, path):
    request = encode(operation)
    assert (request.method, request.path) == (method, path)


def test_a_binary_answer_is_cut_into_its_tensors():
    assert decode(INFER, response(http_infer_response())) == infer_reply()


def test_the_parameters_are_read_from_the_configuration():
    assert decode(ReadParameters(DETECT), response(http_config_response())) == {"taxonomy": TAXONOMY_JSON}


def test_ready_is_a_status_code():
    assert decode(CheckReady(DETECT), HttpResponse(200, {}, b"")) is True
    assert decode(CheckReady(DETECT), HttpResponse(400, {}, b"")) is False
    with pytest.raises(ServerError):
        decode(CheckReady(DETECT), HttpResponse(403, {}, b""))


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(200, {}, b"{}"),
        HttpResponse(200, {"inference-header-content-length": "2"}, b"{}"),
        HttpResponse(200, {"inference-header-content-length": "3"}, b"[1]"),
        HttpResponse(200, {"inference-header-content-length": "x"}, b"{}"),
        HttpResponse(200, {"inference-header-content-length": "17"}, b'{"outputs": [{}]}'),
    ],
)
def test_an_answer_without_readable_binary_tensors_is_refused(answer):
    with pytest.raises(UnexpectedResponseError):
        decode(INFER, answer)


@pytest.mark.parametrize("body", [b"", b"null", b'{"parameters": {"taxonomy": "text"}}', b'{"parameters": []}'])
def test_an_unreadable_configuration_is_refused(body):
    with pytest.raises(UnexpectedResponseError):
        decode(ReadParameters(DETECT), HttpResponse(200, {}, body))
