"""The committed graph switched under load.

    python -m tests.ensembles.rollout.real_graph [--switches 20] [--callers 8]

Release 2 is release 1 with another head_electronics, whose scores are lower. Each answer is compared with what the
release of its version answers alone. Too slow for a test: about two minutes on 2 quiet cores.
"""

import argparse
import json
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import tritonclient.grpc
import tritonclient.http
from onnx import TensorProto, helper

from ensembles.releases.checkout import build_candidate
from ensembles.releases.publishing import publish
from ensembles.releases.store import Store
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.render_command import render_all
from ensembles.repository import DEFAULT_ROOT
from ensembles.rollout_commands import activate_release, rollback_release
from ensembles.wiring.detect import ENSEMBLE
from serving import ServerOptions, TritonServer
from tests.ensembles.rollout.callers import Answer, percentile_ms
from tests.ensembles.rollout.switch_log import SwitchLog
from tests.ensembles.rollout.toy_releases import QUIET, options
from tests.painted_photos import painted_jpegs

HEAD = "head_electronics"
SCORE_FACTOR = 0.5
OUTPUTS = ("scores", "class_ids", "num_detections")


def publish_both(folder: Path) -> None:
    """Releases 1 and 2, in `folder/store`."""
    root = folder / "model_repository"
    shutil.copytree(DEFAULT_ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    version = next(step.version for step in ENSEMBLE.steps if step.model == HEAD)
    changed = version + 1
    (root / HEAD / str(changed)).mkdir()
    model = onnx.load(root / HEAD / str(version) / "model.onnx")
    for node in model.graph.node:
        for position, name in enumerate(node.output):
            if name == "scores":
                node.output[position] = "scores_before"
    model.graph.initializer.append(helper.make_tensor("score_factor", TensorProto.FLOAT, [], [SCORE_FACTOR]))
    model.graph.node.append(helper.make_node("Mul", ["scores_before", "score_factor"], ["scores"]))
    onnx.save(model, root / HEAD / str(changed) / "model.onnx")
    after = tuple(replace(step, version=changed) if step.model == HEAD else step for step in ENSEMBLE.steps)
    for release, wiring in ((1, ENSEMBLE), (2, replace(ENSEMBLE, steps=after))):
        if release == 2:
            render_all(root, [wiring])
        candidate = build_candidate(root, [wiring], number=release)
        publish(candidate.manifest, candidate, Store(str(folder / "store")), TransferProgress("", QUIET))


def infer(protocol, client, photo: bytes) -> tuple[str, dict[str, np.ndarray]]:
    tensor = protocol.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    wanted = [protocol.InferRequestedOutput(name) for name in OUTPUTS]
    result = client.infer("detect", [tensor], outputs=wanted)
    response = result.get_response()
    version = response["model_version"] if isinstance(response, dict) else response.model_version
    return version, {name: result.as_numpy(name)[0] for name in OUTPUTS}


def is_like(answer: dict[str, np.ndarray], alone: dict[str, np.ndarray]) -> bool:
    """Equal but for rounding, which differs with the batch a photo was in."""
    return bool(np.allclose(answer["scores"], alone["scores"], atol=1e-3))


def run(switches: int, caller_count: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="genod-rollout-"))
    try:
        publish_both(folder)
        activate_release(options(folder, number=1), QUIET)
        rollout = folder / "rollout"
        settings = ServerOptions(rollout / "models", rollout=rollout, http_port=0, grpc_port=0, metrics_port=0)
        with TritonServer(settings) as server:
            measure(folder, server, switches, caller_count)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, server: TritonServer, switches: int, caller_count: int) -> None:
    url, photos = f"grpc://{server.grpc_url}", painted_jpegs()
    alone: dict[str, list[dict[str, np.ndarray]]] = {}
    for release in (2, 1):
        activate_release(options(folder, number=release, url=url), QUIET)
        with tritonclient.grpc.InferenceServerClient(server.grpc_url) as client:
            alone[str(release)] = [infer(tritonclient.grpc, client, photo)[1] for photo in photos]
    telling = [k for k in range(len(photos)) if not is_like(alone["1"][k], alone["2"][k])]
    assert telling, "no photo tells the releases apart"
    answers: list[Answer] = []
    over, wrong = threading.Event(), []

    def call(caller: int) -> None:
        protocol = (tritonclient.http, tritonclient.grpc)[caller % 2]
        address = (server.http_url, server.grpc_url)[caller % 2]
        client = protocol.InferenceServerClient(address, **({"network_timeout": 120.0} if caller % 2 == 0 else {}))
        turn = caller
        while not over.is_set():
            photo, turn = telling[turn % len(telling)], turn + 1
            started_s = time.monotonic()
            try:
                version, answer = infer(protocol, client, photos[photo])
            except Exception as error:
                answers.append(Answer(started_s, time.monotonic(), 0.0, None, "", str(error)))
                continue
            if not is_like(answer, alone[version][photo]):
                wrong.append((version, photo))
            answers.append(Answer(started_s, time.monotonic(), 0.0, 1000.0 * int(version), version))

    log, started_s = SwitchLog(), time.monotonic()
    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(caller_count)]
    for thread in threads:
        thread.start()
    with log.recording("detect"):
        for switch in range(switches):
            with log.activation():
                if switch % 2 == 0:
                    activate_release(options(folder, number=2, url=url), QUIET)
                else:
                    rollback_release(options(folder, url=url), QUIET)
            time.sleep(1)
    over.set()
    for thread in threads:
        thread.join()
    answered = [answer for answer in answers if answer.y is not None]
    switching, activating, quiet = log.split(answered)
    print(
        json.dumps(
            {
                "switches": switches,
                "callers": caller_count,
                "requests": len(answers),
                "failed": len(answers) - len(answered),
                "stale": len(log.stale(answered, first_release=1)),
                "answers_of_another_release": len(wrong),
                "p50_ms": {"activating": percentile_ms(activating, 50), "between": percentile_ms(quiet, 50)},
                "p99_ms": {
                    "switching": percentile_ms(switching, 99),
                    "activating": percentile_ms(activating, 99),
                    "between": percentile_ms(quiet, 99),
                },
                "seconds": time.monotonic() - started_s,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switches", type=int, default=20)
    parser.add_argument("--callers", type=int, default=8)
    chosen = parser.parse_args()
    run(chosen.switches, chosen.callers)
