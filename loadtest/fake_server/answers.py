"""What the fake server says: `detect`'s tensors, and what Triton tells about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtest.fake_server.behaviour import Behaviour
from loadtest.fake_server.options import FakeServerOptions

ROWS = 300
TRITON_TYPES = {"float32": "FP32", "int32": "INT32", "bool": "BOOL"}


def output_tensors() -> dict[str, NDArray[Any]]:
    """Return the answer to every photo: two rows of 300, shapes and types as the contract says."""
    tensors: dict[str, NDArray[Any]] = {
        "boxes": np.zeros((1, ROWS, 4), np.float32),
        "scores": np.zeros((1, ROWS), np.float32),
        "class_ids": np.zeros((1, ROWS), np.int32),
        "is_propagated": np.zeros((1, ROWS), np.bool_),
        "num_detections": np.full((1, 1), 2, np.int32),
        "image_size": np.array([[640, 480]], np.int32),
    }
    tensors["boxes"][0, :2] = [[10, 20, 110, 220], [10, 20, 110, 220]]
    tensors["scores"][0, :2] = [0.9, 0.9]
    tensors["class_ids"][0, :2] = [2, 1]
    tensors["is_propagated"][0, 1] = True
    return tensors


def http_body(model: str, tensors: dict[str, NDArray[Any]]) -> tuple[bytes, int]:
    """Return the body of an inference answer in the binary tensor extension, and the length of its JSON part."""
    outputs = [
        {
            "name": name,
            "datatype": TRITON_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, array in tensors.items()
    ]
    header = json.dumps({"model_name": model, "model_version": "1", "outputs": outputs}).encode()
    return header + b"".join(array.tobytes() for array in tensors.values()), len(header)


@dataclass(frozen=True, slots=True)
class Description:
    """What the server tells about itself over HTTP, path by path."""

    options: FakeServerOptions
    behaviour: Behaviour

    def get(self, path: str) -> Any | None:
        """Return the JSON value for a path; "" for an empty answer; None for an unknown path."""
        model = f"/v2/models/{self.options.model}"
        if path in ("/v2/health/live", "/v2/health/ready", f"{model}/ready", f"{model}/versions/1/ready"):
            return ""
        if path in ("/v2", "/v2/"):
            extensions = ["binary_tensor_data", "model_configuration", "statistics"]
            return {"name": "fake_server", "version": "1.0", "extensions": extensions}
        if path in (f"{model}/stats", f"{model}/versions/1/stats", "/v2/models/stats"):
            return {"model_stats": [self._statistics()]}
        if path in (f"{model}/config", f"{model}/versions/1/config"):
            return self._configuration()
        if path in (model, f"{model}/versions/1"):
            return self._metadata()
        if path == "/v2/repository/index":
            return [{"name": self.options.model, "version": "1", "state": "READY"}]
        return None

    def _configuration(self) -> dict[str, Any]:
        taxonomy = json.dumps([{"id": 1, "name": "thing", "parents": []}, {"id": 2, "name": "cat", "parents": [1]}])
        return {
            "name": self.options.model,
            "platform": "",
            "backend": "fake",
            "version_policy": {"latest": {"num_versions": 1}},
            "max_batch_size": 1,
            "instance_group": [{"name": f"{self.options.model}_0", "kind": "KIND_CPU", "count": 1, "gpus": []}],
            "parameters": {"taxonomy": {"string_value": taxonomy}},
        }

    def _metadata(self) -> dict[str, Any]:
        outputs = [
            {"name": name, "datatype": TRITON_TYPES[array.dtype.name], "shape": [-1, *array.shape[1:]]}
            for name, array in output_tensors().items()
        ]
        return {
            "name": self.options.model,
            "versions": ["1"],
            "platform": "fake",
            "inputs": [{"name": "image", "datatype": "BYTES", "shape": [-1, 1]}],
            "outputs": outputs,
        }

    def _statistics(self) -> dict[str, Any]:
        succeeded, failed = self.behaviour.succeeded, self.behaviour.failed
        service_ns = int(self.options.service_ms * 1e6)

        def duration(count: int, ns: int) -> dict[str, int]:
            return {"count": count, "ns": ns}

        return {
            "name": self.options.model,
            "version": "1",
            "last_inference": 0,
            "inference_count": succeeded,
            "execution_count": succeeded,
            "inference_stats": {
                "success": duration(succeeded, int(self.behaviour.total_s * 1e9)),
                "fail": duration(failed, 0),
                "queue": duration(succeeded, int(self.behaviour.queued_s * 1e9)),
                "compute_input": duration(succeeded, 0),
                "compute_infer": duration(succeeded, succeeded * service_ns),
                "compute_output": duration(succeeded, 0),
                "cache_hit": duration(0, 0),
                "cache_miss": duration(0, 0),
            },
            "batch_stats": [],
            "memory_usage": [],
            "response_stats": {},
        }
