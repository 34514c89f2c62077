"""ONNX Runtime session settings from a model's config, under the names of NVIDIA's onnxruntime backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime

SESSION_ENTRY_PREFIX = "session."

#: `optimization { graph { level } }`; 0, the default, is every optimization.
GRAPH_OPTIMIZATION_LEVELS = {
    -1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    0: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
EXECUTION_MODES = {
    0: onnxruntime.ExecutionMode.ORT_SEQUENTIAL,
    1: onnxruntime.ExecutionMode.ORT_PARALLEL,
}

Provider = str | tuple[str, dict[str, str]]


def build_session_options(config: Mapping[str, Any]) -> onnxruntime.SessionOptions:
    """Read ``parameters`` and ``optimization.graph.level`` of a model's config.

    Honoured parameters: ``intra_op_thread_count``, ``inter_op_thread_count`` (0 = ONNX Runtime's choice),
    ``execution_mode`` (0 sequential, 1 parallel), ``enable_mem_arena``, ``enable_mem_pattern`` (0 or 1) and
    every ``session.*`` entry that ONNX Runtime knows. Other parameters belong to others (a taxonomy, for one)
    and are left alone.

    Args:
        config: The model's config as Triton hands it over (JSON form).

    Returns:
        Options for one session.

    Raises:
        ValueError: A value is not one of those allowed.
    """
    parameters = {key: str(value["string_value"]) for key, value in (config.get("parameters") or {}).items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _thread_count(parameters, "intra_op_thread_count")
    options.inter_op_num_threads = _thread_count(parameters, "inter_op_thread_count")
    mode = _integer(parameters, "execution_mode", default=0)
    options.execution_mode = _choose("execution_mode", mode, EXECUTION_MODES)
    options.enable_cpu_mem_arena = _flag(parameters, "enable_mem_arena")
    options.enable_mem_pattern = _flag(parameters, "enable_mem_pattern")
    graph = (config.get("optimization") or {}).get("graph") or {}
    level = int(graph.get("level", 0))
    options.graph_optimization_level = _choose("optimization.graph.level", level, GRAPH_OPTIMIZATION_LEVELS)
    for key, value in parameters.items():
        if key.startswith(SESSION_ENTRY_PREFIX):
            options.add_session_config_entry(key, value)
    return options


def choose_providers(
    instance_kind: str, device_id: int, available_providers: Sequence[str]
) -> tuple[list[Provider], str | None]:
    """Choose the execution providers of one model instance.

    Args:
        instance_kind: ``CPU`` or ``GPU``, as Triton placed the instance.
        device_id: GPU of the instance; ignored on a CPU.
        available_providers: What the installed onnxruntime was built with.

    Returns:
        The providers in order of preference, and a warning when the GPU that the config asks for cannot be
        used.
    """
    cpu: list[Provider] = ["CPUExecutionProvider"]
    if instance_kind != "GPU":
        return cpu, None
    if "CUDAExecutionProvider" in available_providers:
        return [("CUDAExecutionProvider", {"device_id": str(device_id)}), *cpu], None
    warning = (
        f"the instance is placed on GPU {device_id}, but the installed onnxruntime has only "
        f"{', '.join(available_providers)}: running on the CPU."
        " Install onnxruntime-gpu instead of onnxruntime."
    )
    return cpu, warning


def _integer(parameters: Mapping[str, str], key: str, *, default: int) -> int:
    text = parameters.get(key, str(default))
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"parameter '{key}' must be a whole number, got '{text}'") from None


def _thread_count(parameters: Mapping[str, str], key: str) -> int:
    count = _integer(parameters, key, default=0)
    if count < 0:
        raise ValueError(f"parameter '{key}' must be 0 (ONNX Runtime's choice) or more, got {count}")
    return count


def _flag(parameters: Mapping[str, str], key: str) -> bool:
    text = parameters.get(key, "1").lower()
    if text not in ("0", "1", "false", "true"):
        raise ValueError(f"parameter '{key}' must be 0, 1, false or true, got '{text}'")
    return text in ("1", "true")


def _choose(name: str, value: int, choices: Mapping[int, Any]) -> Any:
    if value not in choices:
        allowed = ", ".join(str(choice) for choice in choices)
        raise ValueError(f"'{name}' must be one of {allowed}, got {value}")
    return choices[value]
