"""The backend inside a real tritonserver, over both protocols."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from loadtest.stages import collect_settled_statistics, difference
from serving import TritonServer
from serving.stub_processes import find_stubs
from tests.serving.calls import column, free_ports, infer_grpc, infer_http
from tests.serving.toy_repository import (
    write_batch_size,
    write_diamond,
    write_double,
    write_every_type,
    write_look_up,
    write_unbatched_sum,
)

pytestmark = pytest.mark.triton

# Long enough for all requests of a test to be in the queue when the batch is closed, also on a busy machine.
COLLECT_US = 300_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    repository = tmp_path_factory.mktemp("models")
    write_batch_size(repository, delay_us=COLLECT_US)
    write_look_up(repository, delay_us=COLLECT_US)
    write_every_type(repository)
    write_unbatched_sum(repository)
    write_diamond(repository)
    for count in (1, 3):
        write_double(
            repository,
            f"threads_{count}",
            settings=f'parameters {{ key: "intra_op_thread_count" value: {{ string_value: "{count}" }} }}\n'
            'parameters { key: "session.intra_op.allow_spinning" value: { string_value: "0" } }\n'
            'parameters { key: "taxonomy" value: { string_value: "not for the backend" } }\n',
        )
    write_double(repository, "two_instances", instance_count=2)
    write_look_up(
        repository,
        "warmed_up",
        settings='model_warmup [ { name: "row_two" batch_size: 1 count: 3 inputs { key: "index" value:'
        " { data_type: TYPE_INT64 dims: [1] zero_data: true } } } ]\n",
    )
    with TritonServer(free_ports(repository, log_verbose=1)) as running:
        yield running


def test_concurrent_requests_run_as_one_batch_and_each_gets_its_own_rows(server: TritonServer) -> None:
    row_counts = [1, 2, 3, 1]

    def call(caller: int) -> dict[str, np.ndarray]:
        rows = np.arange(row_counts[caller], dtype=np.float32).reshape(-1, 1) + 100 * caller
        return infer_http(server.http_url, "batch_size", {"x": rows}, ["batch_size", "x_again"])

    with ThreadPoolExecutor(len(row_counts)) as callers:
        answers = list(callers.map(call, range(len(row_counts))))

    for caller, answer in enumerate(answers):
        rows = np.arange(row_counts[caller], dtype=np.float32).reshape(-1, 1) + 100 * caller
        np.testing.assert_array_equal(answer["x_again"], rows)
        np.testing.assert_array_equal(answer["batch_size"], np.full_like(rows, sum(row_counts), np.int64))


def test_statistics_count_one_execution_for_a_whole_batch(server: TritonServer) -> None:
    url = f"grpc://{server.grpc_url}"
    before = collect_settled_statistics(url)
    with ThreadPoolExecutor(4) as callers:
        list(
            callers.map(
                lambda value: infer_grpc(server.grpc_url, "batch_size", {"x": column(value)}, ["x_again"]),
                range(4),
            )
        )
    (row,) = difference(before, collect_settled_statistics(url, before=before, requests=4)).rows
    assert (row.model, row.requests, row.executions) == ("batch_size", 4, 1)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_tensor_type_passes_unchanged(server: TritonServer, protocol: str) -> None:
    tensors = {
        "bool": np.array([[True, False, True]]),
        "uint8": np.array([[0, 128, 255]], np.uint8),
        "int32": np.array([[-(2**31), 0, 2**31 - 1]], np.int32),
        "int64": np.array([[-(2**63), 0, 2**63 - 1]], np.int64),
        "fp16": np.array([[-65504, 0.1, np.inf]], np.float16),
        "fp32": np.array([[-3.4e38, 1e-45, np.nan]], np.float32),
        "string": np.array([[b"", "Käse 猫".encode(), b"plain"]], object),
    }
    inputs = {f"in_{name}": tensor for name, tensor in tensors.items()}
    outputs = [f"out_{name}" for name in tensors]
    if protocol == "http":
        answer = infer_http(server.http_url, "every_type", inputs, outputs)
    else:
        answer = infer_grpc(server.grpc_url, "every_type", inputs, outputs)
    for name, tensor in tensors.items():
        assert answer[f"out_{name}"].dtype == tensor.dtype
        np.testing.assert_array_equal(answer[f"out_{name}"], tensor)


def test_rows_of_different_length_are_answered_side_by_side(server: TritonServer) -> None:
    def call(length: int) -> np.ndarray:
        tensors = {
            f"in_{name}": np.ones((1, length), dtype)
            for name, dtype in (
                ("bool", np.bool_), ("uint8", np.uint8), ("int32", np.int32), ("int64", np.int64),
                ("fp16", np.float16), ("fp32", np.float32),
            )
        }  # fmt: skip
        tensors["in_string"] = np.full((1, length), b"text", object)
        return infer_grpc(server.grpc_url, "every_type", tensors, ["out_string"])["out_string"]

    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(call, [1, 2, 2, 5]))
    assert [answer.shape for answer in answers] == [(1, 1), (1, 2), (1, 2), (1, 5)]


def test_text_that_is_not_utf_8_is_an_error_that_names_the_input(server: TritonServer) -> None:
    tensors = {
        f"in_{name}": np.ones((1, 1), dtype)
        for name, dtype in (
            ("bool", np.bool_), ("uint8", np.uint8), ("int32", np.int32), ("int64", np.int64),
            ("fp16", np.float16), ("fp32", np.float32),
        )
    }  # fmt: skip
    tensors["in_string"] = np.array([[b"\xff\xfe"]], object)
    with pytest.raises(InferenceServerException, match=r"input 'in_string'.*not UTF-8"):
        infer_http(server.http_url, "every_type", tensors, ["out_string"])


def test_a_request_that_fails_does_not_fail_its_neighbours(server: TritonServer) -> None:
    def call(index: int) -> float | str:
        try:
            answer = infer_grpc(server.grpc_url, "look_up", {"index": column(index, dtype=np.int64)}, ["value"])
        except InferenceServerException as error:
            return error.message()
        return float(answer["value"].item())

    with ThreadPoolExecutor(4) as callers:
        good, bad, also_good, also_bad = callers.map(call, [0, 77, 2, -50])
    assert (good, also_good) == (10.0, 12.0)
    assert "idx=77 must be within the inclusive range [-3,2]" in str(bad)
    assert "idx=-50 must be within the inclusive range [-3,2]" in str(also_bad)


def test_only_the_outputs_asked_for_are_sent(server: TritonServer) -> None:
    with triton_http.InferenceServerClient(server.http_url) as client:
        index = triton_http.InferInput("index", [1, 1], "INT64")
        index.set_data_from_numpy(column(1, dtype=np.int64))
        wanted = [triton_http.InferRequestedOutput("index_again")]
        response = client.infer("look_up", [index], outputs=wanted).get_response()
    assert [output["name"] for output in response["outputs"]] == ["index_again"]


def test_neighbours_may_ask_for_different_outputs(server: TritonServer) -> None:
    def call(name: str) -> float:
        index = column(1, dtype=np.int64)
        return float(infer_grpc(server.grpc_url, "look_up", {"index": index}, [name])[name].item())

    with ThreadPoolExecutor(3) as callers:
        assert list(callers.map(call, ["value", "index_again", "value"])) == [11.0, 1.0, 11.0]


def test_a_wrong_shape_or_type_is_refused_with_the_reason(server: TritonServer) -> None:
    with pytest.raises(InferenceServerException, match=r"unexpected shape for input 'x'.*Expected \[-1,1\]"):
        infer_http(server.http_url, "batch_size", {"x": np.zeros((1, 2), np.float32)}, ["x_again"])
    with pytest.raises(InferenceServerException, match="data-type is 'INT64'"):
        infer_http(server.http_url, "batch_size", {"x": column(1, dtype=np.int64)}, ["x_again"])


def test_a_model_without_batching_and_with_its_own_file_name_is_served(server: TritonServer) -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    answer = infer_http(server.http_url, "unbatched_sum", {"matrix": matrix}, ["total"])
    assert answer["total"].tolist() == [15.0]


@pytest.mark.parametrize("call", ["http", "grpc"])
def test_an_ensemble_of_four_graphs_answers(server: TritonServer, call: str) -> None:
    tensors = {"x": column(1, 2, 3)}
    if call == "http":
        answer = infer_http(server.http_url, "detect_toy", tensors, ["y"])
    else:
        answer = infer_grpc(server.grpc_url, "detect_toy", tensors, ["y"])
    np.testing.assert_allclose(answer["y"], [[2], [4], [6]], rtol=1e-5)


def test_each_instance_of_the_group_is_a_process(server: TritonServer) -> None:
    names = [stub.instance_name for stub in find_stubs(server.pid)]
    assert sorted(name for name in names if name.startswith("two_instances")) == [
        "two_instances_0_0",
        "two_instances_0_1",
    ]


def test_the_thread_count_of_the_parameters_is_used(server: TritonServer) -> None:
    thread_counts = {
        stub.instance_name: len(list(Path(f"/proc/{stub.pid}/task").iterdir())) for stub in find_stubs(server.pid)
    }
    # The thread that runs the graph is one of them: 1 starts no further thread, 3 starts two.
    assert thread_counts["threads_3_0_0"] - thread_counts["threads_1_0_0"] == 2


def test_warm_up_runs_before_the_model_is_ready(server: TritonServer) -> None:
    log = server.log_path.read_text()
    before_ready = log[: log.index("successfully loaded 'warmed_up'")]
    assert before_ready.count("running warmup sample 'row_two'") == 3
    # Through our backend, not only announced.
    assert before_ready.count("model warmed_up, instance warmed_up_0_0, executing 1 requests") == 3
