"""A real inference as a probe: the only thing that tells whether a model still answers.

Triton's ready endpoints stay 200 when a model's process has died. As a command, for an exec probe or a cron job::

    python -m serving.probes --url 127.0.0.1:8000 --model detect --timeout-s 5

exits with 0 when the model answered, 1 when not. As a sidecar whose ``/live`` is asked instead of Triton's::

    python -m serving.probes watch --url 127.0.0.1:8000 --model detect --listen 0.0.0.0:8003

HTTP, not gRPC: giving up on an HTTP request cancels nothing in the server. The standard library only: a sidecar
stands in every pod, and numpy with tritonclient would be most of its memory and of its start.
"""

from serving.probes.ensembles import find_ensembles
from serving.probes.inference import probe_model
from serving.probes.sample import grey_png

__all__ = ["find_ensembles", "grey_png", "probe_model"]
