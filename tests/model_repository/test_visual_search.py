"""The ensembles `visual_search` and `embed` on a real server, held against the same graphs run in process."""

import json
import os
import shutil
import signal
import time
import urllib.request

import numpy as np
import onnx
import pytest
import tritonclient.grpc
import tritonclient.http
from onnx import numpy_helper
from tritonclient.utils import InferenceServerException

from serving import ServerOptions, TritonServer
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.model_repository.embedder_calls import DETECT, VISUAL_SEARCH, infer, row
from training.embedder.export.offline_ensemble import OfflineEnsemble

pytestmark = pytest.mark.triton

MODELS = REPO_ROOT / "model_repository"
NUM_REAL_PHOTOS = 50
BATCH = 5


@pytest.fixture(params=["grpc", "http"])
def client(request, detect_server):
    module = {"grpc": tritonclient.grpc, "http": tritonclient.http}[request.param]
    url = {"grpc": detect_server.grpc_url, "http": detect_server.http_url}[request.param]
    with module.InferenceServerClient(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def grpc_client(detect_server):
    with tritonclient.grpc.InferenceServerClient(detect_server.grpc_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def offline():
    return OfflineEnsemble(MODELS, "visual_search")


@pytest.fixture(scope="module")
def alone(grpc_client, painted_photos):
    """Each painted photo's answer when it is asked for by itself."""
    return [infer(grpc_client, "visual_search", [photo]) for photo in painted_photos]


def in_process(offline, photo):
    return {name: tensor.tobytes() for name, tensor in offline({"image": photo}, list(VISUAL_SEARCH)).items()}


def test_types_and_shapes_are_the_contract(client, painted_photos):
    answer = infer(client, "visual_search", painted_photos[:1])
    assert {name: (tensor.dtype.type, tensor.shape) for name, tensor in answer.items()} == {
        name: (dtype, (1, *shape)) for name, (dtype, shape) in VISUAL_SEARCH.items()
    }


def test_what_detect_answers_is_in_it_to_the_bit(grpc_client, painted_photos, alone):
    for photo, answer in zip(painted_photos, alone, strict=True):
        detected = infer(grpc_client, "detect", [photo])
        assert row(detected, 0) == {name: row(answer, 0)[name] for name in DETECT}


def test_objects_are_the_best_detections_that_no_other_label_was_copied_to(alone):
    for answer in alone:
        native = [k for k in range(answer["num_detections"][0, 0]) if not answer["is_propagated"][0, k]]
        chosen = native[:16]
        assert len(native) > 16
        assert answer["num_objects"][0, 0] == 16
        for of_objects, of_all in (
            ("object_boxes", "boxes"),
            ("object_class_ids", "class_ids"),
            ("object_scores", "scores"),
        ):
            np.testing.assert_array_equal(answer[of_objects][0], answer[of_all][0, chosen])


def test_embeddings_have_unit_length_and_differ(alone):
    for answer in alone:
        np.testing.assert_allclose(np.linalg.norm(answer["embeddings"][0], axis=1), 1, atol=1e-5)
        assert len(np.unique(answer["hashes"][0], axis=0)) > 1


def test_the_same_files_in_process_answer_the_same_to_the_bit(offline, painted_photos, alone):
    for photo, answer in zip(painted_photos, alone, strict=True):
        assert in_process(offline, photo) == row(answer, 0)


def test_a_photo_has_the_same_answer_in_any_batch(grpc_client, painted_photos, alone):
    for order in ([0, 2], [2, 0, 2], [1, 3, 3, 1]):
        batch = infer(grpc_client, "visual_search", [painted_photos[k] for k in order])
        assert [row(batch, position) for position in range(len(order))] == [row(alone[k], 0) for k in order]


@pytest.mark.parametrize(
    "names",
    [
        ("hashes",),
        ("boxes",),
        ("image_size",),
        ("scores", "embeddings"),
        ("object_boxes", "num_objects"),
        ("num_detections", "object_scores", "hashes"),
    ],
    ids=" ".join,
)
def test_any_choice_of_outputs_is_answered(grpc_client, painted_photos, alone, names):
    answer = infer(grpc_client, "visual_search", painted_photos[:1], outputs=names)
    assert row(answer, 0) == {name: row(alone[0], 0)[name] for name in names}


def executions(server, model):
    with urllib.request.urlopen(f"http://{server.http_url}/v2/models/{model}/stats", timeout=10) as statistics:
        return json.load(statistics)["model_stats"][0]["inference_stats"]["success"]["count"]


def test_who_asks_for_no_hash_does_not_wait_for_the_embedder(detect_server, grpc_client, painted_photos):
    before = executions(detect_server, "embedder")
    infer(grpc_client, "visual_search", painted_photos[:1], outputs=("object_boxes", "num_objects"))
    infer(grpc_client, "detect", painted_photos[:1])
    assert executions(detect_server, "embedder") == before


def test_embed_gives_a_detected_box_the_hash_that_visual_search_gives_it(grpc_client, painted_photos, alone):
    for photo, answer in zip(painted_photos, alone, strict=True):
        embedded = infer(grpc_client, "embed", [photo], boxes=answer["object_boxes"])
        for name in ("hashes", "embeddings", "image_size"):
            np.testing.assert_array_equal(embedded[name], answer[name])


def test_embed_answers_for_rows_that_are_no_boxes_with_zeros(client, painted_photos):
    nan, inf = np.nan, np.inf
    rows = [
        [10, 20, 300, 400],
        [0, 0, 0, 0],
        [50, 50, 50, 90],
        [200, 100, 100, 200],
        [nan, 0, 10, 10],
        [0, 0, inf, 10],
        [-90, -90, -1, -1],
        [640, 0, 700, 100],
        [-10, -10, 900, 900],
    ]
    answer = infer(client, "embed", painted_photos[:1], boxes=np.array([rows], np.float32))
    is_answered = answer["embeddings"][0].any(axis=1)
    assert is_answered.tolist() == [True, *[False] * 7, True]
    for name in answer.keys() - {"image_size"}:
        assert not answer[name][0, ~is_answered].any()
    everything = infer(client, "embed", painted_photos[:1], boxes=np.array([[[0, 0, 640, 480]]], np.float32))
    np.testing.assert_array_equal(answer["hashes"][0, -1], everything["hashes"][0, 0])


def test_embed_of_no_boxes_is_no_rows(client, painted_photos):
    answer = infer(client, "embed", painted_photos[:1], boxes=np.zeros((1, 0, 4), np.float32))
    assert answer["hashes"].shape == (1, 0, 32)
    assert answer["image_size"].tolist() == [[640, 480]]


def test_embed_takes_photos_in_batches_each_with_its_own_boxes(grpc_client, painted_photos):
    boxes = np.array([[[0, 0, 100, 100], [50, 60, 300, 200]], [[20, 30, 400, 300], [0, 0, 0, 0]]], np.float32)
    photos = [painted_photos[0], painted_photos[2]]
    batch = infer(grpc_client, "embed", photos, boxes=boxes)
    for k, photo in enumerate(photos):
        assert row(batch, k) == row(infer(grpc_client, "embed", [photo], boxes=boxes[k : k + 1]), 0)


def test_the_ensembles_say_which_embedder_and_what_the_attributes_are_called(
    detect_server, grpc_client, painted_photos
):
    parameters = {}
    for model in ("visual_search", "embed", "embedder"):
        with urllib.request.urlopen(f"http://{detect_server.http_url}/v2/models/{model}/config", timeout=10) as reply:
            parameters[model] = {key: v["string_value"] for key, v in json.load(reply)["parameters"].items()}
    assert len({of_model["embedder_version"] for of_model in parameters.values()}) == 1
    labels = json.loads(parameters["embed"]["attributes"])
    answer = infer(grpc_client, "embed", painted_photos[:1], boxes=np.array([[[0, 0, 640, 480]]], np.float32))
    assert {name for name in answer if name.startswith("attribute_")} == {
        f"attribute_{head}_{what}" for head in labels for what in ("ids", "scores")
    }
    for head, names in labels.items():
        ids, scores = answer[f"attribute_{head}_ids"][0, 0], answer[f"attribute_{head}_scores"][0, 0]
        assert len(ids) == min(5, len(names)) == len(set(ids.tolist()))
        assert ((ids >= 0) & (ids < len(names))).all()
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (np.diff(scores) <= 0).all()


@pytest.mark.slow
def test_real_photos_alone_and_in_batches_equal_the_offline_pipeline_to_the_bit(grpc_client, offline, genod_data):
    files = sorted((genod_data / "detection" / "coco_mini" / "images").glob("*.jpg"))[:NUM_REAL_PHOTOS]
    photos = [file.read_bytes() for file in files]
    assert len(photos) == NUM_REAL_PHOTOS
    expected = [offline({"image": photo}, list(VISUAL_SEARCH)) for photo in photos]
    is_wide = [answer["image_size"][0] >= answer["image_size"][1] for answer in expected]
    batches = [[k] for k in range(len(photos) // 2)]
    for orientation in (True, False):  # a request has one
        rest = [k for k in range(len(photos) // 2, len(photos)) if is_wide[k] == orientation]
        batches += [rest[start : start + BATCH] for start in range(0, len(rest), BATCH)]
    for batch in batches:
        answer = infer(grpc_client, "visual_search", [photos[k] for k in batch])
        for position, k in enumerate(batch):
            assert row(answer, position) == {name: tensor.tobytes() for name, tensor in expected[k].items()}, files[k]


# ---- With few objects: the same models, label propagation with a higher threshold.


@pytest.fixture(scope="module")
def strict_repository(tmp_path_factory, alone):
    """One in which the photo with the surest object has that one, and no other photo has any."""
    scores = np.sort(np.concatenate([answer["object_scores"][0, :2] for answer in alone]))
    repository = tmp_path_factory.mktemp("strict") / "model_repository"
    shutil.copytree(MODELS, repository, ignore=shutil.ignore_patterns("__pycache__"))
    graph = repository / "label_propagation/1/model.onnx"
    model = onnx.load(graph)
    threshold = next(tensor for tensor in model.graph.initializer if tensor.name == "score_threshold")
    between = np.float32((scores[-1] + scores[-2]) / 2)
    threshold.CopyFrom(numpy_helper.from_array(np.array(between), "score_threshold"))
    onnx.save(model, graph)
    return repository


@pytest.fixture(scope="module")
def strict_server(strict_repository):
    # A server with a dead process always takes all of its time to stop.
    options = ServerOptions(strict_repository, http_port=0, grpc_port=0, metrics_port=0, exit_timeout_s=1)
    with TritonServer(options) as server:
        yield server


def test_no_object_and_one_object_equal_the_offline_pipeline_to_the_bit(
    strict_server, strict_repository, painted_photos
):
    offline = OfflineEnsemble(strict_repository, "visual_search")
    counts = []
    with tritonclient.grpc.InferenceServerClient(strict_server.grpc_url) as client:
        answers = [infer(client, "visual_search", [photo]) for photo in painted_photos]
        for photo, answer in zip(painted_photos, answers, strict=True):
            count = int(answer["num_objects"][0, 0])
            counts.append(count)
            assert row(answer, 0) == in_process(offline, photo)
            assert answer["hashes"][0, :count].any(axis=1).all()
            for name in ("object_boxes", "object_class_ids", "object_scores", "hashes", "embeddings"):
                assert not answer[name][0, count:].any()
        mixed = infer(client, "visual_search", [painted_photos[0], painted_photos[2]])
        assert [row(mixed, 0), row(mixed, 1)] == [row(answers[0], 0), row(answers[2], 0)]
    assert sorted(counts) == [0, 0, 0, 1]


def test_detect_goes_on_when_the_embedder_s_process_is_dead(strict_server, painted_photos):
    with tritonclient.grpc.InferenceServerClient(strict_server.grpc_url) as client:
        before = infer(client, "detect", painted_photos[:1])
        stubs = [stub for stub in find_stubs(strict_server.pid) if stub.instance_name.startswith("embedder")]
        assert len(stubs) == 1
        os.kill(stubs[0].pid, signal.SIGKILL)
        give_up_s = time.monotonic() + 30
        while stubs[0].pid in [stub.pid for stub in find_stubs(strict_server.pid)]:
            assert time.monotonic() < give_up_s
            time.sleep(0.05)
        with pytest.raises(InferenceServerException, match="not healthy"):
            infer(client, "visual_search", painted_photos[:1])
        assert row(infer(client, "detect", painted_photos[:1]), 0) == row(before, 0)
        without_hashes = infer(client, "visual_search", painted_photos[:1], outputs=("boxes", "num_objects"))
        np.testing.assert_array_equal(without_hashes["boxes"], before["boxes"])
