"""The contract of ensemble `detect`, held against a plain tritonclient and plain HTTP."""

import json
import queue
import shutil
import struct
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException

from loadtest.benchmarks.in_process import InProcessEnsemble
from loadtest.stages import collect_settled_statistics, difference
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT

pytestmark = pytest.mark.triton

CONTRACT = {
    "boxes": (np.float32, (300, 4)),
    "scores": (np.float32, (300,)),
    "class_ids": (np.int32, (300,)),
    "is_propagated": (np.bool_, (300,)),
    "num_detections": (np.int32, (1,)),
    "image_size": (np.int32, (2,)),
}
WITH_CONVOLUTIONS = ("backbone", "head_generic", "head_electronics")
CALLS_AT_ONCE = 200
"""Far more than the 64 that may wait for the backbone, as fast as one client sends them."""

BOX_TOLERANCE_PX = 0.05
SCORE_TOLERANCE = 1e-4
LOW_SCORE = 0.06
"""Near the threshold of 0.05 a rounding difference may add or remove a row."""


@pytest.fixture(params=["grpc", "http"])
def client(request, detect_server):
    module = {"grpc": tritonclient.grpc, "http": tritonclient.http}[request.param]
    url = {"grpc": detect_server.grpc_url, "http": detect_server.http_url}[request.param]
    with module.InferenceServerClient(url) as opened:
        yield opened


def infer(client, photos):
    module = tritonclient.grpc if isinstance(client, tritonclient.grpc.InferenceServerClient) else tritonclient.http
    tensor = module.InferInput("image", [len(photos), 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo] for photo in photos], dtype=np.object_))
    answer = client.infer("detect", [tensor])
    return {name: answer.as_numpy(name) for name in CONTRACT}


def rows(answer, image=0):
    count = int(answer["num_detections"][image, 0])
    return [
        (
            int(answer["class_ids"][image, k]),
            bool(answer["is_propagated"][image, k]),
            float(answer["scores"][image, k]),
            answer["boxes"][image, k],
        )
        for k in range(count)
    ]


def assert_same_detections(ours, theirs):
    """Every row of either side that is clear of the score threshold has its like on the other side."""
    for one, other in ((ours, theirs), (theirs, ours)):
        for class_id, is_propagated, score, box in one:
            if score < LOW_SCORE:
                continue
            assert any(
                class_id == other_class
                and is_propagated == other_propagated
                and abs(score - other_score) <= SCORE_TOLERANCE
                and np.abs(box - other_box).max() <= BOX_TOLERANCE_PX
                for other_class, other_propagated, other_score, other_box in other
            ), f"no like for class {class_id}, score {score}, box {box}"


@pytest.fixture(scope="module")
def alone(detect_server, painted_photos):
    """Each photo's answer when nobody else asks."""
    with tritonclient.grpc.InferenceServerClient(detect_server.grpc_url) as opened:
        return [infer(opened, [photo]) for photo in painted_photos]


def test_types_and_shapes_are_the_contract(client, painted_photos):
    answer = infer(client, painted_photos[:1])
    assert {n: (v.dtype.type, v.shape) for n, v in answer.items()} == {
        n: (dtype, (1, *shape)) for n, (dtype, shape) in CONTRACT.items()
    }


def test_both_protocols_agree_to_the_bit(client, painted_photos, alone):
    for photo, expected in zip(painted_photos, alone, strict=True):
        answer = infer(client, [photo])
        assert {n: v.tobytes() for n, v in answer.items()} == {n: v.tobytes() for n, v in expected.items()}


def test_rows_are_sorted_and_unused_rows_are_zero(alone):
    for answer in alone:
        count = int(answer["num_detections"][0, 0])
        scores = answer["scores"][0]
        assert (np.diff(scores[:count]) <= 0).all()
        for name in ("boxes", "scores", "class_ids", "is_propagated"):
            assert not answer[name][0, count:].any()


def test_boxes_lie_inside_the_photo(alone, painted_photos):
    assert any(len(rows(answer)) for answer in alone)
    for answer in alone:
        width, height = answer["image_size"][0]
        for _, _, _, (x1, y1, x2, y2) in rows(answer):
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height


def test_served_equals_the_same_files_in_process(alone, painted_photos):
    ensemble = InProcessEnsemble(REPO_ROOT / "model_repository", settings="as served")
    for photo, answer in zip(painted_photos, alone, strict=True):
        expected, _ = ensemble(photo)
        assert_same_detections(rows(answer), rows(expected))


def test_a_batch_gives_each_photo_what_it_gets_alone(client, painted_photos, alone):
    wide = [k for k, answer in enumerate(alone) if answer["image_size"][0, 0] > answer["image_size"][0, 1]]
    batch = [wide[k % len(wide)] for k in range(16)]
    answer = infer(client, [painted_photos[k] for k in batch])
    for row, k in enumerate(batch):
        assert_same_detections(rows(answer, row), rows(alone[k]))


def test_a_batch_of_both_orientations_is_refused_naming_the_rows(client, painted_photos):
    with pytest.raises(InferenceServerException, match=r"image refused \(mixed_orientations\)"):
        infer(client, painted_photos[:2])


def answers_of_sixteen_callers(server, photos):
    """Return (which of four photos, answer) of each call, and the mean batch of each model meanwhile."""

    def call(caller):
        with tritonclient.grpc.InferenceServerClient(server.grpc_url) as opened:
            return [(k % 4, infer(opened, [photos[k % 4]])) for k in range(caller, caller + 6)]

    url = f"grpc://{server.grpc_url}"
    before = collect_settled_statistics(url)
    with ThreadPoolExecutor(16) as pool:
        answers = [answer for of_caller in pool.map(call, range(16)) for answer in of_caller]
    table = difference(before, collect_settled_statistics(url, before=before, requests=len(answers)))
    return answers, {row.model: row.mean_batch for row in table.rows}


def test_sixteen_callers_of_both_orientations_get_what_each_gets_alone(detect_server, painted_photos, alone):
    answers, mean_batches = answers_of_sixteen_callers(detect_server, painted_photos)
    for k, answer in answers:
        assert_same_detections(rows(answer), rows(alone[k]))
    # On a CPU a batch costs more than its requests: nobody shares a run of a model with convolutions.
    assert {mean_batches[model] for model in WITH_CONVOLUTIONS} == {1}


@pytest.fixture
def batching_server(tmp_path):
    """The committed models with requests batched as on a GPU, and given time to meet."""
    repository = tmp_path / "repository"
    shutil.copytree(REPO_ROOT / "model_repository", repository, ignore=shutil.ignore_patterns("__pycache__"))
    for model in WITH_CONVOLUTIONS:
        path = repository / model / "config.pbtxt"
        config = text_format.Parse(path.read_text(), ModelConfig())
        config.dynamic_batching.ClearField("preferred_batch_size")
        config.parameters.pop("rows_per_run", None)
        config.dynamic_batching.max_queue_delay_microseconds = 50_000
        config.instance_group[0].count = 1
        path.write_text(text_format.MessageToString(config))
    with TritonServer(ServerOptions(repository, http_port=0, grpc_port=0, metrics_port=0)) as server:
        yield server


def test_callers_who_share_batches_get_what_each_gets_alone(batching_server, painted_photos, alone):
    answers, mean_batches = answers_of_sixteen_callers(batching_server, painted_photos)
    for k, answer in answers:
        assert_same_detections(rows(answer), rows(alone[k]))
    assert all(mean_batches[model] > 1 for model in WITH_CONVOLUTIONS), mean_batches


def test_a_full_queue_refuses_at_once_and_everybody_else_is_served(detect_server, painted_photos, alone):
    tensor = tritonclient.grpc.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[painted_photos[0]]], dtype=np.object_))
    outcomes: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with tritonclient.grpc.InferenceServerClient(detect_server.grpc_url) as opened:
        for _ in range(CALLS_AT_ONCE):
            opened.async_infer("detect", [tensor], lambda result, error: outcomes.put(error or result))
        ended = [outcomes.get(timeout=120) for _ in range(CALLS_AT_ONCE)]
        served = [result for result in ended if not isinstance(result, InferenceServerException)]
        refused = {str(error.message()) for error in ended if isinstance(error, InferenceServerException)}
        assert len(served) >= 30
        assert any("Exceeds maximum queue size" in message for message in refused)
        assert all("queue size" in message or "timeout expired" in message for message in refused), refused
        assert infer(opened, painted_photos[:1])["scores"].tobytes() == alone[0]["scores"].tobytes()
    assert all(result.as_numpy("scores").tobytes() == alone[0]["scores"].tobytes() for result in served)


def test_every_class_id_has_a_name_in_the_server_s_own_taxonomy(detect_server, alone):
    with urllib.request.urlopen(f"http://{detect_server.http_url}/v2/models/detect/config", timeout=10) as response:
        config = json.load(response)
    taxonomy = json.loads(config["parameters"]["taxonomy"]["string_value"])
    assert config["max_batch_size"] == 16
    by_id = {category["id"]: category for category in taxonomy}
    assert all(parent in by_id for category in taxonomy for parent in category["parents"])
    for answer in alone:
        assert {class_id for class_id, *_ in rows(answer)} <= by_id.keys()


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")


@needs_curl
def test_curl_alone_gets_json(detect_server, painted_photos, alone, tmp_path):
    """The commands of docs/ARCHITECTURE.md, "Without the client"."""
    (tmp_path / "photo.jpg").write_bytes(painted_photos[0])
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "image",
                    "shape": [1, 1],
                    "datatype": "BYTES",
                    "parameters": {"binary_data_size": 4 + len(painted_photos[0])},
                }
            ]
        }
    )
    length = struct.pack("<I", len(painted_photos[0]))
    (tmp_path / "request").write_bytes(header.encode() + length + painted_photos[0])
    url = f"http://{detect_server.http_url}/v2/models/detect/infer"
    answer = _curl(
        "--data-binary", f"@{tmp_path / 'request'}", "-H", f"Inference-Header-Content-Length: {len(header)}", url
    )
    outputs = {output["name"]: output for output in json.loads(answer)["outputs"]}
    assert outputs["num_detections"]["data"] == alone[0]["num_detections"].reshape(-1).tolist()
    np.testing.assert_array_equal(np.float32(outputs["boxes"]["data"]), alone[0]["boxes"].reshape(-1))


@needs_curl
def test_curl_may_send_the_bare_photo(detect_server, painted_photos, alone, tmp_path):
    """Triton's raw binary request; the answer is binary too, behind a JSON header."""
    (tmp_path / "photo.jpg").write_bytes(painted_photos[0])
    url = f"http://{detect_server.http_url}/v2/models/detect/infer"
    photo = f"@{tmp_path / 'photo.jpg'}"
    answer = _curl("--data-binary", photo, "-H", "Inference-Header-Content-Length: 0", url)
    assert alone[0]["boxes"].tobytes() in answer


def _curl(*arguments):
    return subprocess.run(["curl", "--silent", "--max-time", "60", *arguments], check=True, capture_output=True).stdout


def test_a_broken_photo_is_refused_with_its_reason_and_the_next_one_is_served(detect_server, painted_photos):
    request = urllib.request.Request(
        f"http://{detect_server.http_url}/v2/models/detect/infer",
        data=painted_photos[0][: len(painted_photos[0]) // 2],
        headers={"Inference-Header-Content-Length": "0"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert "image refused (broken_image)" in json.load(caught.value)["error"]
    with tritonclient.grpc.InferenceServerClient(detect_server.grpc_url) as opened:
        assert infer(opened, [painted_photos[0]])["num_detections"].shape == (1, 1)


def test_only_the_outputs_asked_for_come_back(client, painted_photos, alone):
    module = tritonclient.grpc if isinstance(client, tritonclient.grpc.InferenceServerClient) else tritonclient.http
    tensor = module.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[painted_photos[0]]], dtype=np.object_))
    # image_size alone is refused by tritonserver 2.51 (docs/TRITON_NOTES.md), beside any other it is not
    names = ("num_detections", "image_size")
    answer = client.infer("detect", [tensor], outputs=[module.InferRequestedOutput(name) for name in names])
    for name in names:
        assert answer.as_numpy(name).tolist() == alone[0][name].tolist()
    assert answer.as_numpy("boxes") is None


def test_the_repository_holds_no_file_but_models(repo_root: Path):
    names = {path.name for path in (repo_root / "model_repository").iterdir() if path.is_dir()}
    of_detect = {"preprocess", "backbone", "head_generic", "head_electronics", "label_propagation", "detect"}
    assert names == of_detect | {"object_selection", "embedder", "visual_search", "embed"}
