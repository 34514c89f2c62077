"""The commands of the rendered pod, run one after the other on this machine: fetch, serve, watch, `helm test`.

Only paths, host names and ports are rewritten, as what a container sees differs from what this machine has.
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import Future
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from PIL import Image

from serving.ports import resolve_ports
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.helm.chart import CHART_FOLDER, render
from tests.helm.pods import arguments, container, triton_pod, volume
from tests.helm.triton.real_tritonserver import running_triton

pytestmark = [pytest.mark.triton, pytest.mark.slow]

CPU = {"gpu": {"mode": "cpu"}, "release": {"number": 1}}
RED_WITHIN_S = 10.0


def command(found, rewritten):
    """A container's command and arguments, with texts replaced; `python` and `genod` are those of this environment."""
    words = [*found["command"], *found["args"]]
    for old, new in rewritten.items():
        words = [word.replace(old, new) for word in words]
    words[0] = sys.executable if words[0] == "python" else str(Path(sys.executable).parent / words[0])
    return words


def run(words):
    return subprocess.run(words, cwd=REPO_ROOT, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with what this checkout would release."""
    releases, folder = tmp_path_factory.mktemp("releases"), tmp_path_factory.mktemp("store")
    for verb in (["new"], ["publish", "1", "--store", folder.as_uri()]):
        made = run([sys.executable, "-m", "ensembles", "release", *verb, "--releases", str(releases)])
        assert made.returncode == 0, made.stdout + made.stderr
    return folder


def fetch(values, rewritten):
    return run(command(container(triton_pod(values), "fetch-release"), rewritten))


@pytest.fixture(scope="module")
def models(store, tmp_path_factory):
    """/models of a pod after its init container, with the store in a claim."""
    folder = tmp_path_factory.mktemp("models")
    fetched = fetch(CPU, {"file:///store": store.as_uri(), "/models": str(folder)})
    assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    return folder


@pytest.fixture(scope="module")
def triton(models, tmp_path_factory):
    log = tmp_path_factory.mktemp("triton") / "log"
    with running_triton(arguments(CPU), models / "current", log) as server:
        yield server


@pytest.fixture(scope="module")
def probe_port(triton, tmp_path_factory):
    """The sidecar as rendered, beside Triton."""
    port = resolve_ports("127.0.0.1", http=0, grpc=0, metrics=0).http
    rewritten = {"127.0.0.1:8000": f"127.0.0.1:{triton.http_port}", "0.0.0.0:8003": f"127.0.0.1:{port}"}
    sidecar = subprocess.Popen(command(container(triton_pod(CPU), "probe"), rewritten), cwd=REPO_ROOT)
    try:
        yield port
    finally:
        sidecar.terminate()
        sidecar.wait(timeout=20)


def probe_status(port):
    path = container(triton_pod(CPU), "triton")["livenessProbe"]["httpGet"]["path"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_for(port, status, within_s):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if probe_status(port) == status:
            return True
        time.sleep(0.1)
    return False


def test_the_fetch_points_current_at_the_release(models):
    assert (models / "current").resolve() == (models / "1").resolve()
    assert (models / "1" / "detect" / "config.pbtxt").is_file()


def test_the_fetch_takes_a_store_behind_http_too(store, models, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(store)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        values = {**CPU, "modelStore": {"type": "http", "url": f"http://127.0.0.1:{server.server_port}"}}
        fetched = fetch(values, {"/models": str(tmp_path)})
    finally:
        server.shutdown()
        server.server_close()
    assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    assert files_of(tmp_path / "1") == files_of(models / "1")


def test_the_fetch_refuses_a_store_with_a_changed_byte(store, tmp_path):
    damaged = tmp_path / "store"
    shutil.copytree(store, damaged)
    weights = max((damaged / "blobs").rglob("*"), key=lambda file: file.stat().st_size)
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(content)
    fetched = fetch(CPU, {"file:///store": damaged.as_uri(), "/models": str(tmp_path / "models")})
    assert fetched.returncode == 1
    assert not (tmp_path / "models" / "current").exists()


def files_of(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_release_serves_its_ensemble(triton):
    path = container(triton_pod(CPU), "triton")["readinessProbe"]["httpGet"]["path"]
    assert triton.status(path) == 200


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_the_test_pod_detects_in_its_photo(protocol, triton):
    pod = render(CPU).one("Pod", f"genod-test-{protocol}")
    port = triton.http_port if protocol == "http" else triton.grpc_port
    rewritten = {
        "/photo/": f"{CHART_FOLDER / 'files'}/",
        f"genod.vision.svc:{8000 if protocol == 'http' else 8001}": f"127.0.0.1:{port}",
    }
    detected = run(command(container(pod["spec"], "detect"), rewritten))
    assert detected.returncode == 0, detected.stdout + detected.stderr


def test_the_test_pod_fails_where_nobody_answers():
    pod = render({**CPU, "tests": {"timeoutSeconds": 1}}).one("Pod", "genod-test-http")
    port = resolve_ports("127.0.0.1", http=0, grpc=0, metrics=0).http
    rewritten = {"/photo/": f"{CHART_FOLDER / 'files'}/", "genod.vision.svc:8000": f"127.0.0.1:{port}"}
    assert run(command(container(pod["spec"], "detect"), rewritten)).returncode == 1


def test_dev_shm_as_computed_holds_the_largest_stage_and_kubernetes_own_would_not(triton):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    batch, callers = 16, 2
    tensor = triton_grpc.InferInput("image", [batch, 1], "BYTES")
    tensor.set_data_from_numpy(np.full((batch, 1), file.getvalue(), np.object_))
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{triton.grpc_port}") as client:
        calls: list[Future[triton_grpc.InferResult]] = [Future() for _ in range(callers)]
        for call in calls:
            client.async_infer("preprocess", [tensor], partial(finish, call))
        for call in calls:
            assert call.result(timeout=60).as_numpy("pixels").shape == (batch, 416, 672, 3)
    regions = [Path("/dev/shm") / stub.region_name for stub in find_stubs(triton.process.pid) if is_preprocess(stub)]
    assert len(regions) == 2
    used_mib = sum(region.stat().st_blocks * 512 for region in regions) / 2**20

    memory = {"largestStageBytesPerImage": len(file.getvalue()) + 5 * 416 * 672 * 3, "pythonInstances": len(regions)}
    values = {**CPU, "release": {"number": 1, "memory": memory}, "triton": {"imagesInFlight": batch * callers}}
    computed_mib = int(volume(triton_pod(values), "shared-memory")["emptyDir"]["sizeLimit"].removesuffix("Mi"))
    print(f"/dev/shm: {used_mib:.0f} MiB used, {computed_mib} MiB computed")
    # 64 MiB is what a container has without a volume of its own.
    assert 64 < used_mib <= computed_mib


def finish(call, result, error):
    if error is None:
        call.set_result(result)
    else:
        call.set_exception(error)


def is_preprocess(stub):
    return stub.instance_name.startswith("preprocess")


def test_liveness_is_green_and_turns_red_when_a_model_process_dies(triton, probe_port):
    assert wait_for(probe_port, 200, within_s=60.0)
    stubs = [stub for stub in find_stubs(triton.process.pid) if is_preprocess(stub)]
    assert len(stubs) == 2
    for stub in stubs:
        os.kill(stub.pid, signal.SIGKILL)
    assert wait_for(probe_port, 503, within_s=RED_WITHIN_S), f"still green {RED_WITHIN_S} s after its stubs were killed"
    # What a probe of Triton's own endpoint would have seen:
    assert triton.status("/v2/models/detect/ready") == 200
