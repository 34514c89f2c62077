"""A fetched release behind a real Triton: the same answers as the checkout, as version N."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc

from ensembles.releases.checkout import build_candidate
from ensembles.releases.checkout_source import CheckoutSource
from ensembles.releases.fetching import fetch
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.wiring import all_ensembles
from genod_client import GenODClient
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs

pytestmark = pytest.mark.triton

RELEASE = 7


@pytest.fixture(scope="module")
def release_server(tmp_path_factory: pytest.TempPathFactory):
    """The checkout as release 7, fetched and served."""
    into = tmp_path_factory.mktemp("releases")
    candidate = build_candidate(REPO_ROOT / "model_repository", all_ensembles(), number=RELEASE)
    source = CheckoutSource(candidate, candidate.manifest)
    fetch(candidate.manifest, source, into, TransferProgress("fetching"))
    with TritonServer(ServerOptions(into / "current", http_port=0, grpc_port=0, metrics_port=0)) as server:
        yield server


@pytest.fixture(scope="module")
def checkout_server():
    options = ServerOptions(REPO_ROOT / "model_repository", http_port=0, grpc_port=0, metrics_port=0)
    with TritonServer(options) as server:
        yield server


def test_ensembles_are_served_as_the_release_and_composing_models_as_pinned(release_server: TritonServer) -> None:
    request = urllib.request.Request(f"http://{release_server.http_url}/v2/repository/index", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        served = {entry["name"]: entry["version"] for entry in json.load(answer)}
    assert served == {
        "backbone": "1", "embedder": "1", "head_electronics": "1", "head_generic": "1", "label_propagation": "1",
        "object_selection": "1", "preprocess": "1",
        "detect": str(RELEASE), "visual_search": str(RELEASE), "embed": str(RELEASE),
    }  # fmt: skip


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_client_gets_what_the_checkout_answers(release_server, checkout_server, protocol: str) -> None:
    photos = painted_jpegs()[:2]
    answers = []
    for server in (checkout_server, release_server):
        url = {"grpc": f"grpc://{server.grpc_url}", "http": f"http://{server.http_url}"}[protocol]
        with GenODClient(url) as client:
            answers.append([client.detect(photo) for photo in photos])
    for ours, released in zip(*answers, strict=True):
        assert (ours.model_version, released.model_version) == ("1", str(RELEASE))
        assert ours.image_size == released.image_size
        assert list(ours.objects()) == list(released.objects())


def test_every_output_is_equal_to_the_bit(release_server, checkout_server) -> None:
    for photo in painted_jpegs()[:2]:
        tensor = tritonclient.grpc.InferInput("image", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
        outputs = []
        for server, version in ((checkout_server, "1"), (release_server, str(RELEASE))):
            with tritonclient.grpc.InferenceServerClient(server.grpc_url) as client:
                answer = client.infer("detect", [tensor], model_version=version)
                names = [output.name for output in answer.get_response().outputs]
                outputs.append({name: answer.as_numpy(name).tobytes() for name in names})
        assert outputs[0].keys() >= {"boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size"}
        assert outputs[0] == outputs[1]


def test_the_command_serves_a_release_by_its_number(tmp_path: Path) -> None:
    """From a store, since the checkout may have gone on."""
    store = tmp_path / "store"
    published = subprocess.run(
        [sys.executable, "-m", "tests.ensembles.releases.publish_checkout", str(store), str(RELEASE)],
        cwd=REPO_ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert published.returncode == 0, published.stderr
    command = [
        sys.executable, "-m", "serving", "--release", str(RELEASE), "--store", f"file://{store}", "--http-port", "0",
        "--grpc-port", "0", "--metrics-port", "0", "--log-file", str(tmp_path / "log"),
        "--releases-folder", str(tmp_path / "into"),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            while not (lines and lines[-1].startswith("ready: ")):
                line = process.stdout.readline()
                assert line, "ended before it was ready:\n" + "".join(lines)
                lines.append(line)
            url = lines[-1].split()[1]
            with GenODClient(url) as client:
                assert client.detect(painted_jpegs()[0]).model_version == str(RELEASE)
        finally:
            process.terminate()
            process.communicate(timeout=30)
    assert (tmp_path / "into" / str(RELEASE) / "release.json").is_file()


def test_a_release_that_cannot_be_had_is_told_and_nothing_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "serving", "--release", "999", "--store", str(tmp_path / "store")]
    ended = subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "has no release 999" in ended.stderr
    assert "release 999 could not be fetched" in ended.stderr
    assert "Traceback" not in ended.stderr
