"""What the chart renders, given to the real tritonserver: flags, probe paths, restricted calls, the end."""

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from onnx import helper
from tritonclient.utils import InferenceServerException

from tests.helm.pods import arguments, container, triton_pod
from tests.helm.rendered_files import file_names, rendered
from tests.helm.triton.real_tritonserver import KEY, NEWER_FLAGS, known_flags, running_triton, stop
from tests.serving.toy_repository import Tensor, write_model

pytestmark = pytest.mark.triton

# Every switch that adds or changes a flag, all at once.
ALL_FLAGS = {
    "triton": {
        "modelControlMode": "explicit",
        "explicitModelControlAcknowledged": True,
        "responseCache": {"enabled": True, "sizeMiB": 16},
        "clientSharedMemory": True,
        "log": {"verbose": 1, "format": "default"},
        "extraArgs": ["--rate-limit=execution_count", "--exit-on-error=true"],
    },
    "restrictedApi": {"categories": ["model-repository", "shared-memory", "trace", "logging", "statistics"]},
    "tracing": {"enabled": True},
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository whose `detect` is an ensemble, as in a release."""
    folder = tmp_path_factory.mktemp("repository")
    x, y = Tensor("x", "TYPE_FP32", (2,)), Tensor("y", "TYPE_FP32", (2,))
    write_model(folder, "double", inputs=[x], outputs=[y], nodes=[helper.make_node("Add", ["x", "x"], ["y"])])
    (folder / "detect" / "1").mkdir(parents=True)
    (folder / "detect" / "config.pbtxt").write_text(
        'name: "detect"\nplatform: "ensemble"\nmax_batch_size: 8\n'
        'input [ { name: "x" data_type: TYPE_FP32 dims: [ 2 ] } ]\n'
        'output [ { name: "y" data_type: TYPE_FP32 dims: [ 2 ] } ]\n'
        'ensemble_scheduling { step [ { model_name: "double" model_version: 1\n'
        '  input_map { key: "x" value: "x" } output_map { key: "y" value: "y" } } ] }\n'
    )
    return folder


def rendered_arguments(file_name):
    """tritonserver's arguments of every track that a values file makes."""
    return [
        container(deployment["spec"]["template"]["spec"], "triton")["args"]
        for deployment in rendered(file_name).all("Deployment")
        if deployment["metadata"]["labels"]["app.kubernetes.io/component"] == "triton"
    ]


def test_the_bundled_binary_knows_every_flag_or_the_list_says_which_version_brought_it():
    used = {
        argument.partition("=")[0] for name in file_names() for track in rendered_arguments(name) for argument in track
    }
    used |= {argument.partition("=")[0] for argument in arguments(ALL_FLAGS)}
    unknown = used - known_flags()
    assert unknown == NEWER_FLAGS.keys(), "a flag is unknown to 2.51, or one of NEWER_FLAGS is not new or not used"


def test_newer_flags_are_not_newer_than_the_pinned_image():
    pinned = container(triton_pod(), "triton")["image"].rpartition(":")[2]
    assert all(version <= pinned.removesuffix("-py3") for version in NEWER_FLAGS.values())


def distinct_arguments():
    """Each different command line of the values files once, named by the first file that has it."""
    found: dict[tuple[str, ...], str] = {}
    for file_name in file_names():
        for track in rendered_arguments(file_name):
            found.setdefault(tuple(track), file_name)
    return [pytest.param(list(track), id=file_name) for track, file_name in found.items()]


@pytest.mark.parametrize("track", [*distinct_arguments(), pytest.param(arguments(ALL_FLAGS), id="every flag")])
def test_the_real_binary_starts_with_the_rendered_flags_and_infers(track, repository, tmp_path):
    with running_triton(track, repository, tmp_path / "log") as triton:
        client = triton_grpc.InferenceServerClient(f"127.0.0.1:{triton.grpc_port}")
        tensor = triton_grpc.InferInput("x", [1, 2], "FP32")
        tensor.set_data_from_numpy(np.array([[1, 2]], np.float32))
        assert client.infer("detect", [tensor]).as_numpy("y").tolist() == [[2, 4]]
        client.close()


def test_the_real_binary_refuses_a_flag_that_does_not_exist(repository, tmp_path):
    """So that the tests above can fail."""
    with (
        pytest.raises(AssertionError, match="tritonserver ended"),
        running_triton([*arguments(), "--no-such-flag=1"], repository, tmp_path / "log"),
    ):
        pass


@pytest.fixture(scope="module")
def triton(repository, tmp_path_factory):
    log = tmp_path_factory.mktemp("triton") / "log"
    with running_triton(arguments({"gpu": {"mode": "cpu"}}), repository, log) as server:
        yield server


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe"])
def test_the_probes_paths_are_green_for_the_ensemble(probe, triton):
    path = container(triton_pod(), "triton")[probe]["httpGet"]["path"]
    assert triton.status(path) == 200


def test_a_model_that_is_not_ready_answers_a_status_that_fails_a_probe(triton):
    path = container(triton_pod({"release": {"ensembles": ["missing"]}}), "triton")["readinessProbe"]["httpGet"]["path"]
    # The kubelet fails a probe from 400 on; Triton's answer is 400, not 503.
    assert triton.status(path) == 400


def test_metrics_are_where_the_service_says(triton):
    assert triton.status("/metrics", port=triton.metrics_port) == 200


RESTRICTED_CALLS = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/detect/load"),
    ("POST", "/v2/repository/models/detect/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("GET", "/v2/trace/setting"),
    ("GET", "/v2/logging"),
]


@pytest.mark.parametrize(("method", "path"), RESTRICTED_CALLS)
def test_restricted_calls_need_the_key(method, path, triton):
    assert triton.status(path, method=method) == 403
    assert triton.status(path, method=method, headers={"x-genod-admin-key": "guessed"}) == 403
    # With the key the call is let through; mode `none` itself then refuses to load and unload with 503.
    expected = 503 if path.endswith("load") else 200
    assert triton.status(path, method=method, headers={"x-genod-admin-key": KEY}) == expected


def test_restricted_calls_need_the_key_over_grpc_too(triton):
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{triton.grpc_port}") as client:
        with pytest.raises(InferenceServerException, match="restricted"):
            client.get_model_repository_index()
        assert client.get_model_repository_index(headers={"triton-grpc-protocol-x-genod-admin-key": KEY}).models


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/models/detect/ready", "/v2/models/detect/config", "/v2"])
def test_what_probes_and_callers_need_is_open(path, triton):
    assert triton.status(path) == 200


def test_models_cannot_be_changed_even_with_the_key(triton):
    headers = {"x-genod-admin-key": KEY}
    assert triton.status("/v2/repository/models/detect/unload", method="POST", headers=headers) == 503
    assert triton.status("/v2/models/detect/ready") == 200


def test_sigterm_to_process_1_is_a_clean_end(repository, tmp_path):
    with running_triton(arguments({"gpu": {"mode": "cpu"}}), repository, tmp_path / "log") as server:
        assert stop(server) == 0
