"""The same calls over HTTP, gRPC and the fake, from threads and asyncio, have the same outcome.

HTTP and gRPC meet a real Triton server, so this also keeps the fake honest.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from genod_client import (
    AsyncGenODClient,
    ClientClosedError,
    DeadlineExceededError,
    GenODClient,
    GenODError,
    ImageRefusedError,
    InvalidInputError,
    RetryPolicy,
    ServerOverloadedError,
    UnexpectedResponseError,
)
from tests.clients.answers import expected_detections
from tests.clients.calls import BOTH_CLIENTS, call_asyncio, call_sync
from tests.clients.fake_transport import AsyncFakeTransport, FakeTransport


@pytest.fixture(
    params=[
        "fake",
        pytest.param("http", marks=pytest.mark.triton),
        pytest.param("grpc", marks=pytest.mark.triton),
    ]
)
def way(request):
    """Where to call, and the settings of the client: (url, {call: settings})."""
    if request.param == "fake":
        return "grpc://fake", {
            call_sync: {"transport": FakeTransport()},
            call_asyncio: {"transport": AsyncFakeTransport()},
        }
    server = request.getfixturevalue("toy_server")
    return f"{request.param}://{getattr(server, request.param + '_url')}", {call_sync: {}, call_asyncio: {}}


@BOTH_CLIENTS
def test_detections_agree_to_the_bit(call, way):
    url, settings = way
    assert call(url, "detect", b"photo", **settings[call]) == expected_detections()


@BOTH_CLIENTS
def test_an_empty_answer_is_no_error(call, way):
    url, settings = way
    found = call(url, "detect", b"nothing", **settings[call])
    assert (len(found), found.image_size, found.model_version) == (0, (640, 480), "1")


@BOTH_CLIENTS
def test_arrays_are_taken(call, way):
    url, settings = way
    assert call(url, "detect", np.zeros((4, 6, 3), np.uint8), **settings[call]) == expected_detections()


@BOTH_CLIENTS
@pytest.mark.parametrize("reason", ["not_an_image", "broken_image", "too_many_pixels"])
def test_a_refused_image_has_its_reason(call, way, reason):
    url, settings = way
    with pytest.raises(ImageRefusedError) as caught:
        call(url, "detect", b"refuse " + reason.encode(), **settings[call])
    assert caught.value.reason == reason
    assert str(caught.value) == f"image refused ({reason}): this is what the toy was told to say"


@BOTH_CLIENTS
@pytest.mark.parametrize(
    ("arguments", "settings", "error", "attributes"),
    [
        ([b"fail"], {}, "the toy was told to fail", {"status": "INTERNAL"}),
        ([b"photo"], {"model_version": "9"}, "version 9 is not found", {"status": "NOT_FOUND"}),
        ([b"class 99"], {}, r"lacks the class ids \[99\]", {}),
        ([b""], {}, "0 bytes", {}),
    ],
    ids=["failure", "no such version", "class without a name", "empty"],
)
def test_errors_agree(call, way, arguments, settings, error, attributes):
    url, settings_of = way
    with pytest.raises(GenODError, match=error) as caught:
        call(url, "detect", *arguments, **settings_of[call], **settings)
    assert vars(caught.value) == attributes


@BOTH_CLIENTS
def test_readiness_agrees(call, way):
    url, settings = way
    assert call(url, "is_ready", **settings[call]) is True
    assert call(url, "is_ready", model_version="9", **settings[call]) is False


@BOTH_CLIENTS
def test_the_taxonomy_agrees(call, way):
    url, settings = way
    taxonomy = call(url, "taxonomy", **settings[call])
    assert taxonomy.class_ids == (3, 7, 20, 31)
    assert [ancestor.name for ancestor in taxonomy.ancestors(31)] == ["development board", "electronics"]


def test_a_closed_client_says_so(way):
    url, settings = way
    client = GenODClient(url, **settings[call_sync])
    client.detect(b"photo")
    client.close()
    client.close()
    with pytest.raises(ClientClosedError, match="Make a new one"):
        client.detect(b"photo")

    async def scenario():
        client = AsyncGenODClient(url, **settings[call_asyncio])
        await client.detect(b"photo")
        await client.close()
        await client.close()
        with pytest.raises(ClientClosedError):
            await client.detect(b"photo")

    asyncio.run(scenario())


@pytest.mark.triton
@BOTH_CLIENTS
def test_a_slow_model_is_left_in_time(call, toy_url):
    with pytest.raises(DeadlineExceededError):
        call(toy_url, "detect", b"sleep 0.4", timeout_s=0.1)


@pytest.mark.triton
def test_many_threads_share_one_client(toy_url):
    with GenODClient(toy_url) as client, ThreadPoolExecutor(24) as threads:
        results = list(threads.map(client.detect, [b"sleep 0.001"] * 240))
    assert results == [expected_detections()] * 240


@pytest.mark.triton
def test_many_tasks_share_one_client(toy_url):
    async def scenario():
        async with AsyncGenODClient(toy_url) as client:
            return await asyncio.gather(*(client.detect(b"photo") for _ in range(240)))

    assert asyncio.run(scenario()) == [expected_detections()] * 240


@pytest.mark.triton
def test_a_full_queue_is_overload(toy_url):
    def outcome(image):
        try:
            return client.detect(image)
        except GenODError as error:
            return error

    once = RetryPolicy(max_attempts=1)
    with (
        GenODClient(toy_url, model="crowded", retry_policy=once) as client,
        ThreadPoolExecutor(16) as threads,
    ):
        outcomes = list(threads.map(outcome, [b"sleep 0.2"] * 16))
    overloads = [result for result in outcomes if isinstance(result, ServerOverloadedError)]
    assert len(overloads) >= 8
    assert all("Exceeds maximum queue size" in str(error) for error in overloads)
    assert [result for result in outcomes if not isinstance(result, ServerOverloadedError)] == [
        expected_detections()
    ] * (16 - len(overloads))


def test_a_wrong_argument_is_refused_before_anything_is_sent():
    for settings in ({"timeout_s": 0}, {"headers": {"a": "\n"}}, {"ca_certificate": "ca.pem"}):
        with pytest.raises(InvalidInputError):
            GenODClient("grpc://fake", transport=FakeTransport(), **settings)


def test_a_model_of_another_kind_is_unexpected():
    transport = FakeTransport()
    transport.taxonomy_json = "not JSON"
    with pytest.raises(UnexpectedResponseError), GenODClient("grpc://fake", transport=transport) as client:
        client.detect(b"photo")
    assert transport.is_closed
