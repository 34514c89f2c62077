"""Both checks must find every way in which an answer breaks the contract, also in the answers after the first."""

import json
import struct

import pytest

from loadtest.fake_server.answers import http_body, output_tensors
from loadtest.fake_server.grpc_service import _infer_answer
from loadtest.open_loop.answer_check import GrpcAnswerCheck, HttpAnswerCheck


def http_answer(**changes):
    tensors = output_tensors() | changes
    return http_body("detect", {name: array for name, array in tensors.items() if array is not None})


def kind(error):
    return type(error).__name__


@pytest.fixture(params=[False, True], ids=["first", "later"])
def http_check(request):
    check = HttpAnswerCheck("detect")
    if request.param:
        body, length = http_answer()
        assert check(200, length, body) is None
    return check


def test_a_good_answer_is_good(http_check):
    body, length = http_answer()
    assert http_check(200, length, body) is None


def test_a_missing_output_is_found(http_check):
    body, length = http_answer(image_size=None)
    assert "image_size" in str(http_check(200, length, body))


@pytest.mark.parametrize("count", [-1, 301])
def test_a_count_that_cannot_be_is_found(http_check, count):
    tensors = output_tensors()
    tensors["num_detections"][0, 0] = count
    body, length = http_body("detect", tensors)
    assert "num_detections" in str(http_check(200, length, body))


def test_a_body_that_is_too_short_is_found(http_check):
    body, length = http_answer()
    assert kind(http_check(200, length, body[:-4])) == "UnexpectedResponseError"


def test_an_answer_without_binary_tensors_is_found(http_check):
    assert kind(http_check(200, None, b"<html>")) == "UnexpectedResponseError"


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (500, "something broke", "ServerError"),
        (503, "Exceeds maximum queue size", "ServerOverloadedError"),
        (400, "image refused (not_an_image): noise", "ImageRefusedError"),
    ],
)
def test_error_statuses_are_those_of_the_client(http_check, status, text, expected):
    error = http_check(status, None, json.dumps({"error": text}).encode())
    assert kind(error) == expected
    assert text in str(error)


@pytest.fixture(params=[False, True], ids=["first", "later"])
def grpc_check(request):
    check = GrpcAnswerCheck("detect")
    if request.param:
        assert check(_infer_answer("detect")) is None
    return check


def test_a_good_message_is_good(grpc_check):
    assert grpc_check(_infer_answer("detect")) is None


def test_a_missing_output_of_a_message_is_found(grpc_check):
    assert "image_size" in str(grpc_check(_infer_answer("detect", without="image_size")))


def test_a_count_in_a_message_that_cannot_be_is_found(grpc_check):
    good = _infer_answer("detect")
    bad = good.replace(struct.pack("<BBi", 0x3A, 4, 2), struct.pack("<BBi", 0x3A, 4, 999), 1)
    bad = bad if bad != good else good.replace(struct.pack("<Bi", 4, 2), struct.pack("<Bi", 4, 999), 1)
    assert bad != good
    assert "num_detections" in str(grpc_check(bad))


def test_bytes_that_are_no_message_are_found(grpc_check):
    assert kind(grpc_check(b"\xff\xff\xff")) == "UnexpectedResponseError"
