"""A model repository whose ensemble `detect` answers 20 requests a second, and refuses what its queue cannot take."""

from pathlib import Path

SLEEP_S = 0.05
CAPACITY_PER_S = 1 / SLEEP_S
MAX_QUEUE_SIZE = 40

MODEL = """
import time

import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            time.sleep({sleep_s})
            x = pb_utils.get_input_tensor_by_name(request, "x").as_numpy()
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("y", x * 2)]))
        return responses
"""

STEP = """
name: "backbone"
backend: "python"
max_batch_size: 4
input [ {{ name: "x" data_type: TYPE_FP32 dims: [ 1 ] }} ]
output [ {{ name: "y" data_type: TYPE_FP32 dims: [ 1 ] }} ]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
dynamic_batching {{ default_queue_policy {{ max_queue_size: {max_queue_size} timeout_action: REJECT }} }}
response_cache {{ enable: false }}
"""

ENSEMBLE = """
name: "detect"
platform: "ensemble"
max_batch_size: 4
input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
ensemble_scheduling { step [ {
  model_name: "backbone" model_version: 1
  input_map { key: "x" value: "x" }
  output_map { key: "y" value: "y" }
} ] }
"""


def write_slow_detect(repository: Path) -> Path:
    """Write `backbone`, a Python stage that sleeps, and the ensemble around it, as release 1."""
    (repository / "backbone" / "1").mkdir(parents=True)
    (repository / "backbone" / "1" / "model.py").write_text(MODEL.format(sleep_s=SLEEP_S))
    (repository / "backbone" / "config.pbtxt").write_text(STEP.format(max_queue_size=MAX_QUEUE_SIZE))
    (repository / "detect" / "1").mkdir(parents=True)
    (repository / "detect" / "config.pbtxt").write_text(ENSEMBLE)
    return repository
