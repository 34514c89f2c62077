"""A load on `visual_search` must ask for its hashes: else Triton skips the embedder, and detection is measured."""

import json

import pytest

from genod_client.answer import OUTPUTS
from genod_client.embedder_answer import VISUAL_SEARCH_OUTPUTS
from genod_client.endpoint import parse_endpoint
from loadtest.fake_server.answers import http_body, output_tensors
from loadtest.open_loop import grpc_sender, http_sender
from loadtest.open_loop.answer_check import HttpAnswerCheck
from loadtest.open_loop.requested_outputs import outputs_of


@pytest.mark.parametrize("model", ["visual_search", "visual_search_generic"])
def test_a_visual_search_is_asked_for_its_hashes_over_both_protocols(model):
    assert outputs_of(model) == VISUAL_SEARCH_OUTPUTS
    assert b"hashes" in grpc_sender.encode_photo(model, b"photo")
    assert b'"hashes"' in http_sender.encode_photo(parse_endpoint("http://host"), model, b"photo")


@pytest.mark.parametrize("model", ["detect", "detect_fused", "visual_searching"])
def test_every_other_model_is_asked_for_what_detect_promises(model):
    assert outputs_of(model) == OUTPUTS
    assert b"hashes" not in grpc_sender.encode_photo(model, b"photo")


def test_a_visual_search_that_answers_without_hashes_is_an_error():
    body, length = http_body("visual_search", output_tensors())
    assert json.loads(body[:length])
    error = HttpAnswerCheck("visual_search")(200, length, body)
    assert "lacks the outputs ['object_boxes'" in str(error)
    assert HttpAnswerCheck("detect")(200, length, body) is None
