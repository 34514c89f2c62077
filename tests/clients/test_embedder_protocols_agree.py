"""`visual_search` and `embed` over HTTP, gRPC and the fake, from threads and asyncio, have the same outcome.

HTTP and gRPC meet a real Triton server, so this also keeps the fake honest.
"""

import io

import numpy as np
import pytest
from PIL import Image

from genod_client import (
    Box,
    DeadlineExceededError,
    EnsembleMissingError,
    GenODClient,
    ImageRefusedError,
    InvalidInputError,
)
from tests.clients.answers import expected_embeddings, expected_visual_search
from tests.clients.calls import BOTH_CLIENTS, call_asyncio, call_sync
from tests.clients.fake_transport import AsyncFakeTransport, FakeTransport

BOXES = (Box(1, 2, 30, 40), Box(100, 50, 120, 60))


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


def jpeg(width, height, orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(file, "JPEG", exif=exif)
    return file.getvalue()


@BOTH_CLIENTS
def test_a_visual_search_agrees_to_the_bit(call, way):
    url, settings = way
    assert call(url, "visual_search", b"photo", **settings[call]) == expected_visual_search()


@BOTH_CLIENTS
def test_a_photo_without_objects_is_no_error(call, way):
    url, settings = way
    found = call(url, "visual_search", b"nothing", **settings[call])
    assert (len(found), len(found.detections), found.embedder_version) == (0, 0, "toy-1")


@BOTH_CLIENTS
@pytest.mark.parametrize("count", [1, 2])
def test_embeddings_agree_to_the_bit(call, way, count):
    url, settings = way
    found = call(url, "embed", b"photo", BOXES[:count], **settings[call])
    assert found == expected_embeddings(*BOXES[:count])


@BOTH_CLIENTS
def test_arrays_of_pixels_and_of_boxes_are_taken(call, way):
    url, settings = way
    found = call(url, "embed", np.zeros((480, 640, 3), np.uint8), np.array(BOXES, np.float64), **settings[call])
    assert found == expected_embeddings(*BOXES)


@BOTH_CLIENTS
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((jpeg(640, 480), []), "no boxes"),
        ((jpeg(640, 480), [BOXES[0], (1, 2, float("nan"), 4)]), r"boxes\[1\] = \(1, 2, nan, 4\) is not finite"),
        ((jpeg(640, 480), [BOXES[0], (5, 5, 5, 9)]), r"boxes\[1\] = \(5, 5, 5, 9\) has no area"),
        ((jpeg(640, 480), [BOXES[0], (0, 0, 481, 640)]), r"boxes\[1\] = .* photo of 640 × 480 pixels"),
        ((jpeg(640, 480, 6), [(0, 0, 480, 640), (0, 0, 640, 480)]), r"boxes\[1\] = .* photo of 480 × 640 pixels"),
        ((b"", BOXES), "0 bytes"),
    ],
    ids=["none", "nan", "no area", "outside", "outside once upright", "no photo"],
)
def test_bad_boxes_are_refused_by_row_before_anything_is_sent(call, arguments, message):
    transport = FakeTransport() if call is call_sync else AsyncFakeTransport()
    with pytest.raises(InvalidInputError, match=message):
        call("grpc://fake", "embed", *arguments, transport=transport)
    assert transport.operations == []


@BOTH_CLIENTS
@pytest.mark.parametrize("method", ["visual_search", "embed"])
def test_a_refused_image_has_its_reason(call, way, method):
    url, settings = way
    arguments = [BOXES] if method == "embed" else []
    with pytest.raises(ImageRefusedError) as caught:
        call(url, method, b"refuse broken_image", *arguments, **settings[call])
    assert caught.value.reason == "broken_image"


@BOTH_CLIENTS
@pytest.mark.parametrize("method", ["visual_search", "embed"])
def test_a_server_without_the_ensemble_says_what_it_has(call, way, method):
    url, settings = way
    arguments = [BOXES] if method == "embed" else []
    with pytest.raises(EnsembleMissingError, match=r"no ensemble 'missing'; it has .*detect, embed, visual_search") as (
        caught
    ):
        call(url, method, b"photo", *arguments, **settings[call], **{f"{method}_model": "missing"})
    assert {"detect", "embed", "visual_search"} <= set(caught.value.available)
    assert caught.value.status == "NOT_FOUND"


@pytest.mark.triton
@BOTH_CLIENTS
def test_a_slow_embedder_is_left_in_time(call, toy_url):
    with pytest.raises(DeadlineExceededError):
        call(toy_url, "visual_search", b"sleep 0.4", timeout_s=0.1)


@pytest.mark.triton
def test_objects_of_a_search_can_be_embedded_again(toy_url):
    with GenODClient(toy_url) as client:
        search = client.visual_search(b"photo")
        again = client.embed(b"photo", search)
    assert [row.hash for row in again] == [found.hash for found in search]
    assert [row.embedding_data for row in again] == [found.embedding_data for found in search]
