"""A Triton backend over the ``onnxruntime`` wheel, for machines that have no native onnxruntime backend.

Triton starts one process per model instance from this file (a *Python-based backend*), for every model whose
config says ``backend: "onnxruntime"``. The same ``config.pbtxt`` and ``1/model.onnx`` run on NVIDIA's native
backend unchanged. Beside the standard library this folder sees only numpy, onnxruntime and its own files,
whose folder Triton puts on the import path.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnxruntime
import triton_python_backend_utils as pb_utils

from graph_check import check_graph_matches_config
from request_batch import PendingRequest, Tensors, run_requests
from rows_per_run import in_parts, read_rows_per_run
from session_options import build_session_options, choose_providers
from tensor_types import STRING, decode_strings, encode_strings

DEFAULT_MODEL_FILENAME = "model.onnx"


class TritonPythonModel:
    """One instance of one ONNX model. Triton calls the methods below, never two at a time."""

    def initialize(self, args: Mapping[str, str]) -> None:
        """Open the session and check the graph against the config.

        Args:
            args: Strings from Triton: ``model_config`` (JSON), ``model_repository`` (the model's folder),
                ``model_version``, ``model_instance_kind`` (CPU or GPU), ``model_instance_device_id``,
                ``model_instance_name``.

        Raises:
            TritonModelException: The model cannot be served; Triton shows the message as the reason of the
                failed load.
        """
        try:
            self._open(args)
        # Whatever it was, the model cannot load: give Triton the reason without a traceback through this
        # file.
        except Exception as error:
            raise pb_utils.TritonModelException(str(error)) from None

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer all requests of one batch.

        Args:
            requests: Triton's request objects.

        Returns:
            One response for each request, in the same order: its outputs or its error.
        """
        pending_requests = [self._read(request) for request in requests]
        readable = [pending for pending in pending_requests if pending.error is None]
        run_requests(readable, self._run_in_parts, is_batched=self._is_batched)
        return [self._response(pending) for pending in pending_requests]

    def finalize(self) -> None:
        """Free the session's memory before Triton ends the process or reuses it."""
        del self._session

    def _open(self, args: Mapping[str, str]) -> None:
        config = json.loads(args["model_config"])
        self._is_batched = int(config["max_batch_size"]) > 0
        self._run_in_parts = in_parts(self._run_graph, read_rows_per_run(config))
        self._input_names = [str(tensor["name"]) for tensor in config["input"]]
        self._string_names = {
            str(tensor["name"])
            for tensor in (*config["input"], *config["output"])
            if tensor["data_type"] == STRING.triton
        }

        filename = config.get("default_model_filename") or DEFAULT_MODEL_FILENAME
        model_path = Path(args["model_repository"]) / args["model_version"] / filename
        if not model_path.is_file():
            raise FileNotFoundError(f"there is no {model_path}: export the model, or correct default_model_filename")

        providers, warning = choose_providers(
            args["model_instance_kind"],
            int(args["model_instance_device_id"]),
            onnxruntime.get_available_providers(),
        )
        instance_name = args["model_instance_name"]
        if warning:
            _log(f"{instance_name}: {warning}")
        if (config.get("optimization") or {}).get("execution_accelerators"):
            _log(f"{instance_name}: optimization.execution_accelerators are not used here")
        if providers[0] != "CPUExecutionProvider":
            # Finds the CUDA libraries of the nvidia-* wheels, which are not on the loader's path.
            onnxruntime.preload_dlls()
        self._session = onnxruntime.InferenceSession(
            str(model_path), sess_options=build_session_options(config), providers=providers
        )
        check_graph_matches_config(config, self._session.get_inputs(), self._session.get_outputs())
        _log(
            f"{instance_name}: {model_path.name} on {self._session.get_providers()[0]},"
            f" intra-op threads {self._session.get_session_options().intra_op_num_threads or 'by default'}"
        )

    def _read(self, request: Any) -> PendingRequest:
        pending = PendingRequest(inputs={}, output_names=request.requested_output_names())
        try:
            for name in self._input_names:
                # a view of Triton's shared memory, not a copy
                tensor = pb_utils.get_input_tensor_by_name(request, name).as_numpy()
                pending.inputs[name] = decode_strings(tensor) if name in self._string_names else tensor
        except ValueError as error:
            pending.error = f"input '{name}': {error}"
        return pending

    def _run_graph(self, output_names: Sequence[str], inputs: Tensors) -> Tensors:
        names = list(output_names)
        return dict(zip(names, self._session.run(names, inputs), strict=True))

    def _response(self, pending: PendingRequest) -> Any:
        if pending.error is not None:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(pending.error))
        return pb_utils.InferenceResponse(
            output_tensors=[
                pb_utils.Tensor(name, encode_strings(tensor) if name in self._string_names else tensor)
                for name, tensor in pending.outputs.items()
            ]
        )


def _log(line: str) -> None:
    """Write to the server's log, which is the process's standard error.

    Not by pb_utils.Logger, on a suspicion: its message waits in shared memory for a thread of tritonserver, and in two
    of about 80 starts on a loaded machine 2.51 aborted while models loaded (boost::interprocess::lock_exception). That
    was never reproduced; of the later starts, without the logger, 84 of 84 went well.
    """
    print(line, file=sys.stderr, flush=True)
