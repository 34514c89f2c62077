"""`genod_client` against the committed ensembles: what its toy models only pretend."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from genod_client import Box, GenODClient, InvalidInputError

pytestmark = pytest.mark.triton

BOXES = (Box(15.0, 0.0, 411.0, 296.0), Box(100.25, 60.5, 240.0, 200.75), Box(0.0, 0.0, 451.0, 300.0))


@pytest.fixture(params=["grpc", "http"])
def client(request, detect_server):
    with GenODClient(f"{request.param}://{getattr(detect_server, request.param + '_url')}", timeout_s=120) as client:
        yield client


def png(pixels, orientation=1):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    return file.getvalue()


def test_a_visual_search_is_a_detection_whose_best_objects_can_be_found_again(client):
    photo = png(data.chelsea())
    search = client.visual_search(photo)
    assert search.detections == client.detect(photo)
    best = [row for row in search.detections if not row.is_propagated][:16]
    assert [(found.box, found.score, found.class_id, found.label_chain) for found in search] == [
        (row.box, row.score, row.class_id, row.label_chain) for row in best
    ]
    assert len(search) > 0
    for found in search:
        assert (found.embedding.dtype, found.embedding.shape) == (np.float32, (400,))
        assert np.linalg.norm(found.embedding) == pytest.approx(1, abs=1e-3)
        assert found.hamming_distance(found) == 0
    again = client.embed(photo, search)
    assert [row.hash for row in again] == [found.hash for found in search]
    assert [row.embedding_data for row in again] == [found.embedding_data for found in search]


def test_a_photo_without_objects_has_none_to_embed(client):
    search = client.visual_search(np.full((300, 400, 3), 127, np.uint8))
    assert len(search) == len([row for row in search.detections if not row.is_propagated][:16])
    assert search.image_size == (400, 300)


def test_boxes_are_embedded_in_their_order_with_attributes_of_the_embedders_heads(client):
    photo = png(data.chelsea())
    rows = client.embed(photo, BOXES)
    assert [row.box for row in rows] == list(BOXES)
    turned = client.embed(photo, BOXES[::-1])
    assert [row.hash for row in turned] == [row.hash for row in rows][::-1]
    assert [row.attributes for row in turned] == [row.attributes for row in rows][::-1]
    heads = {attribute.head for attribute in rows[0].attributes}
    for row in rows:
        for head in heads:
            scores = [attribute.score for attribute in row.attributes_of(head)]
            assert 1 <= len(scores) <= 5
            assert all(0 <= score <= 1 for score in scores)
            assert scores == sorted(scores, reverse=True)


def test_boxes_are_those_of_the_upright_photo(client):
    upright = data.chelsea()
    stored = np.rot90(upright).copy()  # stored lying, to be turned to the right: EXIF orientation 6
    turned = client.embed(png(stored, orientation=6), BOXES)
    assert turned.image_size == (451, 300)
    assert turned.boxes == client.embed(png(upright), BOXES).boxes
    with pytest.raises(InvalidInputError, match=r"boxes\[0\] = .* outside the upright photo of 451 × 300"):
        client.embed(png(stored, orientation=6), [(0, 0, 300, 451)])
