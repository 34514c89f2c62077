"""A model repository whose `detect` sleeps, doubles its number and tells which server answered."""

from pathlib import Path

MODEL = """
import json
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        parameters = json.loads(args["model_config"])["parameters"]
        self.delay_s = float(parameters["delay_s"]["string_value"])
        self.server = int(parameters["server"]["string_value"])

    def execute(self, requests):
        time.sleep(self.delay_s)
        responses = []
        for request in requests:
            x = pb_utils.get_input_tensor_by_name(request, "x").as_numpy()
            y = pb_utils.Tensor("y", x * 2)
            server = pb_utils.Tensor("server", np.full(x.shape, self.server, np.int32))
            responses.append(pb_utils.InferenceResponse([y, server]))
        return responses
"""

CONFIG = """
name: "detect"
backend: "python"
max_batch_size: 8
input [
  {{ name: "x" data_type: TYPE_FP32 dims: [ 1 ] }},
  {{ name: "ballast" data_type: TYPE_STRING dims: [ 1 ] optional: true }}
]
output [
  {{ name: "y" data_type: TYPE_FP32 dims: [ 1 ] }},
  {{ name: "server" data_type: TYPE_INT32 dims: [ 1 ] }}
]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
version_policy {{ all {{}} }}
dynamic_batching {{ {queue} }}
parameters [
  {{ key: "delay_s" value: {{ string_value: "{delay_s}" }} }},
  {{ key: "server" value: {{ string_value: "{server}" }} }}
]
"""


def write_detect(
    repository: Path, *, server: int, delay_s: float = 0.05, release: int = 1, max_queue_size: int = 0
) -> Path:
    """Write `detect` as version `release`, as a release of that number is served.

    Args:
        repository: Folder to write into.
        server: Number that the answers carry.
        delay_s: How long a batch takes, in seconds.
        release: Number of the release.
        max_queue_size: Requests that may wait; 0 is any number.

    Returns:
        The repository.
    """
    version = repository / "detect" / str(release)
    version.mkdir(parents=True)
    (version / "model.py").write_text(MODEL)
    queue = f"default_queue_policy {{ max_queue_size: {max_queue_size} }}" if max_queue_size else ""
    (repository / "detect" / "config.pbtxt").write_text(CONFIG.format(server=server, delay_s=delay_s, queue=queue))
    return repository
