"""A second ensemble over a subset of the heads: one short file, on the real models and a real Triton."""

import json
import shutil
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc

from ensembles.audience import audience_of
from ensembles.checks import find_problems
from ensembles.errors import WiringMalformed
from ensembles.graph import Ensemble
from ensembles.memory_pools import MemoryPools
from ensembles.releases.checkout import build_candidate
from ensembles.render_command import render_all
from ensembles.wiring import all_ensembles
from ensembles.wiring.detect import ENSEMBLE as DETECT
from serving import ServerOptions, TritonServer
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs

WIRING = """
from ensembles.audience import audience_of

ENSEMBLE = audience_of("detect_generic", heads=("head_generic",))
"""
OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections")


@pytest.fixture(scope="module")
def generic(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    namespace: dict = {}
    exec(WIRING, namespace)
    return namespace["ENSEMBLE"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, generic: Ensemble) -> Path:
    root = tmp_path_factory.mktemp("audience") / "model_repository"
    shutil.copytree(REPO_ROOT / "model_repository", root, ignore=shutil.ignore_patterns("__pycache__"))
    render_all(root, [DETECT, generic])
    return root


def test_it_passes_every_check_and_is_released_beside_detect(repository: Path, generic: Ensemble) -> None:
    everything = [*all_ensembles(), generic]
    problems = find_problems(repository, everything, MemoryPools())
    assert [str(problem) for problem in problems] == []
    manifest = build_candidate(repository, everything, number=3).manifest
    assert manifest.ensembles["detect_generic"].version == manifest.ensembles["detect"].version == 3
    assert "head_generic" in manifest.ensembles["detect_generic"].composing
    assert "head_electronics" not in manifest.ensembles["detect_generic"].composing


def test_unknown_heads_and_no_heads_are_refused() -> None:
    for heads in ((), ("head_unicorn",)):
        with pytest.raises(WiringMalformed, match="expected at least one head of head_generic"):
            audience_of("detect_x", heads)


def detect(url: str, model: str, photo: bytes) -> dict[str, np.ndarray]:
    tensor = tritonclient.grpc.InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    with tritonclient.grpc.InferenceServerClient(url) as client:
        answer = client.infer(model, [tensor])
    return {name: answer.as_numpy(name)[0] for name in OUTPUTS}


def own_rows(answer: dict[str, np.ndarray], class_ids: set[int]) -> list[tuple]:
    """Detections of the classes themselves, not of their ancestors."""
    return [
        (int(answer["class_ids"][row]), round(float(answer["scores"][row]), 5), answer["boxes"][row].round(2).tolist())
        for row in range(int(answer["num_detections"][0]))
        if not answer["is_propagated"][row] and int(answer["class_ids"][row]) in class_ids
    ]


def inferences(server: TritonServer, model: str) -> int:
    with urllib.request.urlopen(f"http://{server.http_url}/v2/models/{model}/stats", timeout=10) as statistics:
        return int(json.load(statistics)["model_stats"][0]["inference_count"])


@pytest.mark.triton
def test_it_answers_what_detect_answers_for_its_classes_and_runs_no_other_head(repository: Path) -> None:
    heads = build_candidate(REPO_ROOT / "model_repository", [DETECT], number=1).manifest.models
    classes = {value for ids in heads["head_generic"].class_ids.values() for value in ids}
    others = {
        value for name in heads if name != "head_generic" for ids in heads[name].class_ids.values() for value in ids
    }
    found = 0
    with TritonServer(ServerOptions(repository, http_port=0, grpc_port=0, metrics_port=0)) as server:
        photos = painted_jpegs()[:4]
        before = inferences(server, "head_electronics")  # warm-ups
        answers = [detect(server.grpc_url, "detect_generic", photo) for photo in photos]
        assert inferences(server, "head_electronics") == before
        for photo, answer in zip(photos, answers, strict=True):
            everything = detect(server.grpc_url, "detect", photo)
            expected = own_rows(everything, classes)
            # The 300 rows are shared by all heads: with fewer heads there is room for more of the weakest.
            assert own_rows(answer, classes)[: len(expected)] == expected
            assert len(expected) > 0 or everything["num_detections"] == 0
            assert own_rows(answer, others - classes) == []
            found += int(answer["num_detections"][0])
    assert found > 0
