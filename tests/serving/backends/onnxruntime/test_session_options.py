"""The config's settings reach ONNX Runtime, under NVIDIA's names."""

from importlib import import_module

import onnxruntime
import pytest

# By name: type checkers do not see the folder that `conftest.py` puts on the path.
session_options = import_module("session_options")
build_session_options = session_options.build_session_options
choose_providers = session_options.choose_providers


def config(**parameters: str) -> dict:
    return {"parameters": {key: {"string_value": value} for key, value in parameters.items()}}


def test_defaults_leave_the_choice_to_onnx_runtime() -> None:
    options = build_session_options({})
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (0, 0)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def test_every_parameter_is_honoured() -> None:
    settings = config(
        intra_op_thread_count="3", inter_op_thread_count="2", execution_mode="1", enable_mem_arena="0",
        enable_mem_pattern="false", **{"session.intra_op.allow_spinning": "0"}, taxonomy="[]",
    )  # fmt: skip
    options = build_session_options({**settings, "optimization": {"graph": {"level": 2}}})
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 2)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_PARALLEL
    assert (options.enable_cpu_mem_arena, options.enable_mem_pattern) == (False, False)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (config(intra_op_thread_count="two"), "'intra_op_thread_count' must be a whole number, got 'two'"),
        (config(inter_op_thread_count="-1"), "'inter_op_thread_count' must be 0 .* or more, got -1"),
        (config(execution_mode="2"), "'execution_mode' must be one of 0, 1, got 2"),
        (config(enable_mem_arena="yes"), "'enable_mem_arena' must be 0, 1, false or true, got 'yes'"),
        (
            {"optimization": {"graph": {"level": 9}}},
            r"'optimization\.graph\.level' must be one of -1, 0, 1, 2, got 9",
        ),
    ],
)
def test_a_wrong_value_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_session_options(settings)


def test_a_cpu_instance_takes_the_cpu() -> None:
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert choose_providers("CPU", 0, both) == (["CPUExecutionProvider"], None)


def test_a_gpu_instance_takes_its_gpu_and_falls_back_per_operator() -> None:
    providers, warning = choose_providers("GPU", 1, ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert providers == [("CUDAExecutionProvider", {"device_id": "1"}), "CPUExecutionProvider"]
    assert warning is None


def test_a_gpu_instance_without_the_provider_warns_and_takes_the_cpu() -> None:
    providers, warning = choose_providers("GPU", 1, ["AzureExecutionProvider", "CPUExecutionProvider"])
    assert providers == ["CPUExecutionProvider"]
    assert warning
    assert "GPU 1" in warning
    assert "Install onnxruntime-gpu" in warning
