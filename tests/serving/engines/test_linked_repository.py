"""The repository of links, and a real tritonserver that serves it."""

import json
import os
import shutil
import stat
import urllib.request
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving import TritonServer
from serving.engines.build_command import main
from serving.engines.linked_repository import MARK, link_repository
from serving.errors import EngineCacheError
from serving.installation import find_installation
from tests.conftest import REPO_ROOT
from tests.painted_photos import painted_jpegs
from tests.serving.calls import free_ports, infer_http
from tests.serving.engines.fakes import FakeBuilder

OUTPUTS = ["boxes", "scores", "class_ids", "is_propagated", "num_detections"]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two models, of which `net` has a plan, `preprocess` none; read-only, behind a link, as a fetched release is."""
    folder = tmp_path / "releases" / "7"
    for name in (
        "net/1/model.onnx",
        "net/1/labels.txt",
        "net/2/model.onnx",
        "net/config.pbtxt",
        "preprocess/1/model.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "release.json").write_text("{}")
    (tmp_path / "current").symlink_to(folder)
    return tmp_path / "current"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / "model.plan"
    path.parent.mkdir()
    path.write_text("plan")
    return path


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(Path(parent, name).relative_to(folder)): Path(parent, name).read_text()
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
    }


def test_a_plan_stands_beside_its_graph_and_all_else_is_as_in_the_release(
    release: Path, plan: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    link_repository(release, linked, {("net", 2): plan})
    expected = files_of(release)
    del expected["release.json"]
    assert files_of(linked) == {**expected, "net/2/model.plan": "plan", MARK: ""}
    assert not (release / "net" / "2" / "model.plan").exists()
    (tmp_path / "current").unlink()
    assert (linked / "preprocess" / "1" / "model.py").exists(), "the release moved on, the running server did not"


def test_composing_again_replaces_and_keeps_nothing_old(release: Path, plan: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    link_repository(release, linked, {("net", 1): plan, ("net", 2): plan})
    (linked / ".left-by-a-killed-run").mkdir()
    shutil.rmtree(release.resolve() / "preprocess")
    link_repository(release, linked, {("net", 2): plan})
    assert sorted(path.name for path in linked.iterdir()) == [MARK, "net"]
    assert not (linked / "net" / "1" / "model.plan").exists()


def test_a_folder_of_somebody_else_is_left_alone(release: Path, plan: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("")
    with pytest.raises(EngineCacheError, match=r"holds thesis\.tex and was not made by build-engines"):
        link_repository(release, tmp_path / "home", {})
    assert (tmp_path / "home" / "thesis.tex").exists()


def test_a_folder_that_cannot_be_made_is_named(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineCacheError, match="cannot write the linked repository"):
        link_repository(release, tmp_path / "file" / "linked", {})


# The machine has neither TensorRT nor a GPU. What stands in: the prepared graph is the plan, and a backend named
# `tensorrt` runs it in ONNX Runtime. Folders, links, file names and the choice of the target are the real ones.


def on_cpu(config: str) -> str:
    """A target config without what only a GPU has."""
    config = config.replace(' profile: [ "0", "1" ]', "").replace("KIND_GPU count: 1", "KIND_CPU count: 1")
    begin, end = config.find("optimization {"), config.find("# Each canvas, smallest")
    if begin < 0:  # the embedder's, which ONNX Runtime runs there too
        return config
    return config[:begin] + config[end:].replace("batch_size: 16", "batch_size: 2")


@pytest.fixture
def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The committed models, built, linked, and read-only behind the links."""
    models = tmp_path / "models"
    shutil.copytree(REPO_ROOT / "model_repository", models, ignore=shutil.ignore_patterns("__pycache__"))
    arguments = ["--model-repository", str(models), "--cache", str(tmp_path / "cache"), "--gpu-product", "NVIDIA L4"]
    arguments += ["--link-into", str(tmp_path / "linked")]
    assert main(arguments, make_builder=FakeBuilder) == 0
    for path in models.glob("*/configs/tensorrt.pbtxt"):
        path.write_text(on_cpu(path.read_text()))
    for path in models.rglob("*"):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    return tmp_path / "linked"


@pytest.fixture
def tensorrt_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = find_installation()
    backends = tmp_path / "backends"
    shutil.copytree(installation.backend_directory, backends)
    shutil.copytree(backends / "onnxruntime", backends / "tensorrt")
    stand_in = replace(installation, backend_directory=backends)
    monkeypatch.setattr("serving.server.find_installation", lambda: stand_in)


@pytest.fixture(scope="module")
def expected() -> list[dict[str, np.ndarray]]:
    with TritonServer(free_ports(REPO_ROOT / "model_repository", log_file=None)) as server:
        return [detect(server, photo) for photo in painted_jpegs()]


def detect(server: TritonServer, photo: bytes) -> dict[str, np.ndarray]:
    image = np.array([[photo]], dtype=np.object_)
    return infer_http(server.http_url, "detect", {"image": image}, OUTPUTS)


@pytest.mark.triton
@pytest.mark.usefixtures("tensorrt_stand_in")
def test_tritonserver_follows_the_links_and_answers_as_the_graphs_do(
    linked: Path, expected: list[dict[str, np.ndarray]], tmp_path: Path
) -> None:
    options = free_ports(linked, model_config_name="tensorrt", log_file=tmp_path / "tritonserver.log")
    with TritonServer(options) as server:
        answered = [detect(server, photo) for photo in painted_jpegs()]
        with urllib.request.urlopen(f"http://{server.http_url}/v2/models/backbone/config", timeout=10) as response:
            config = json.load(response)
    assert (config["platform"], config["default_model_filename"]) == ("tensorrt_plan", "model.plan")
    for ours, theirs in zip(answered, expected, strict=True):
        # The tolerance of half precision; by rank, since near ties change places.
        np.testing.assert_allclose(ours["scores"][0, :20], theirs["scores"][0, :20], atol=0.01)
    assert sum(int(theirs["num_detections"][0, 0]) for theirs in expected) > 20
