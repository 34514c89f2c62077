"""Model processes that end because a rollout unloaded their model, and not because they died."""

from __future__ import annotations

import re
from collections.abc import Sequence

from serving.errors import ServiceBrokenError
from serving.probes.triton_http import TritonHttp

LOOK_AGAIN_S = 2.0
"""How often the supervisor looks for new model processes, where releases are switched."""

_INSTANCE = re.compile(r"(?P<model>.+)_\d+_\d+")
_ANSWER_TIMEOUT_S = 30.0


def died_unplanned(instance_names: Sequence[str], server: TritonHttp) -> list[str]:
    """Those model instances, of some whose processes have ended, that the server still believes to serve.

    While a model is unloaded on request it is UNLOADING, then UNAVAILABLE; the model of a stub that died stays READY.

    Args:
        instance_names: as Triton names instances: ``<model>_<group>_<number>``.
        server: the running server. One that does not answer has not unloaded anything on purpose.
    """
    try:
        index = server.ask("POST", "/v2/repository/index", timeout_s=_ANSWER_TIMEOUT_S)
        entries = index.json() if index.status == 200 else None
    except ServiceBrokenError:
        entries = None
    if entries is None:
        return list(instance_names)
    ready = {entry["name"] for entry in entries if entry.get("state") == "READY"}
    return [name for name in instance_names if (match := _INSTANCE.fullmatch(name)) is None or match["model"] in ready]
