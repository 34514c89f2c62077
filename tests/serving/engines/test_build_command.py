"""`python -m serving build-engines` with a builder that gives the graph itself as the plan."""

import os
import re
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import pytest

from serving.engines.build_command import main
from serving.engines.builder import BuildRequest, BuiltEngine
from serving.errors import EngineBuildError
from tests.conftest import REPO_ROOT
from tests.serving.engines.fakes import FakeBuilder, write_canvas_model

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_canvas_model(tmp_path / "models", "net")
    write_canvas_model(tmp_path / "models", "other")
    return tmp_path / "models"


def arguments(models: Path, *more: str) -> list[str]:
    cache = models.parent / "cache"
    return ["--model-repository", str(models), "--cache", str(cache), "--gpu-product", "NVIDIA L4", *more]


def plans(models: Path) -> list[Path]:
    return sorted((models.parent / "cache").rglob("model.plan"))


def test_only_what_is_missing_is_built(models: Path, capsys: Captured) -> None:
    # Two names for one graph are one engine.
    (models / "other" / "1" / "model.onnx").write_bytes((models / "net" / "1" / "model.onnx").read_bytes())
    builder = FakeBuilder()
    assert main(arguments(models), make_builder=lambda: builder) == 0
    assert [request.model for request in builder.requests] == ["net"]
    output = capsys.readouterr().out
    assert "net 1: not built yet: building for NVIDIA L4, TensorRT 10.16.1.11 (minutes)\n" in output
    assert "net 1: built in 0 s, 0.0 MB\n" in output
    assert "other 1: in the cache\n" in output
    assert len(plans(models)) == 1

    assert main(arguments(models), make_builder=lambda: builder) == 0
    assert len(builder.requests) == 1


def test_a_damaged_plan_is_built_again(models: Path) -> None:
    builder = FakeBuilder()
    main(arguments(models), make_builder=lambda: builder)
    damaged = plans(models)[0]
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-1])
    assert main(arguments(models), make_builder=lambda: builder) == 0
    assert len(builder.requests) == 3
    assert damaged.read_bytes() == good


def test_another_tensorrt_or_gpu_or_graph_or_setting_is_another_engine(models: Path) -> None:
    builder = FakeBuilder()
    main(arguments(models), make_builder=lambda: builder)
    main(arguments(models), make_builder=lambda: FakeBuilder(version="11.4.1.2"))
    main(arguments(models, "--gpu-product", "NVIDIA H100"), make_builder=lambda: builder)
    config = models / "net" / "configs" / "tensorrt.pbtxt"
    config.write_text(config.read_text().replace('string_value: "4"', 'string_value: "2"'))
    main(arguments(models), make_builder=lambda: builder)
    assert len(plans(models)) == 7


def test_timings_of_one_build_begin_the_next(models: Path) -> None:
    builder = FakeBuilder()
    main(arguments(models), make_builder=lambda: builder)
    assert [request.timing_cache for request in builder.requests] == [b"", b"t"]


def test_timings_that_cannot_be_kept_cost_no_engine(models: Path, capsys: Captured) -> None:
    (models.parent / "cache").mkdir()
    (models.parent / "cache" / "timings").write_text("no folder")
    assert main(arguments(models), make_builder=FakeBuilder) == 0
    assert "net 1: timings are not kept: cannot write " in capsys.readouterr().out
    assert len(plans(models)) == 2


def test_the_builder_gets_the_profiles_and_the_prepared_graph(models: Path) -> None:
    builder = FakeBuilder()
    main(arguments(models), make_builder=lambda: builder)
    request = builder.requests[0]
    assert [sorted(profile.range_by_input) for profile in request.profiles] == [["x"], ["x"]]
    assert b"Add" in request.onnx


def test_a_failed_build_is_one_line_and_leaves_nothing(models: Path, capsys: Captured) -> None:
    builder = FakeBuilder(failure=EngineBuildError("net: TensorRT built no engine: out of\nmemory"))
    assert main(arguments(models, "--link-into", str(models.parent / "linked")), make_builder=lambda: builder) == 1
    assert capsys.readouterr().err == "error: net: TensorRT built no engine: out of memory\n"
    assert plans(models) == []
    assert list((models.parent / "cache").rglob("*.partial")) == []
    assert not (models.parent / "linked").exists(), "Triton must not start without its plans"


def test_without_a_build_a_missing_engine_is_refused_and_a_present_one_found(models: Path, capsys: Captured) -> None:
    def no_builder() -> FakeBuilder:
        pytest.fail("--no-build imports no TensorRT")

    look_up = arguments(models, "--no-build", "--trt-version", "10.16.1.11")
    assert main(look_up, make_builder=no_builder) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: net 1: not built yet: ")
    assert "Run build-engines without --no-build on a machine with NVIDIA L4 and TensorRT 10.16.1.11" in error
    assert not (models.parent / "cache").exists(), "looking makes no folders"

    assert main(arguments(models), make_builder=FakeBuilder) == 0
    assert main(look_up, make_builder=no_builder) == 0
    assert main(arguments(models, "--no-build"), make_builder=no_builder) == 1
    assert "--no-build needs --trt-version" in capsys.readouterr().err


def test_a_builder_of_another_version_is_refused(models: Path, capsys: Captured) -> None:
    assert main(arguments(models, "--trt-version", "10.1"), make_builder=FakeBuilder) == 1
    assert "--trt-version is 10.1, but this machine builds with TensorRT 10.16.1.11" in capsys.readouterr().err


def test_two_builders_at_once_build_each_engine_once(models: Path, capsys: Captured) -> None:
    both_started = threading.Barrier(2, timeout=30)
    built: list[str] = []

    class SlowBuilder(FakeBuilder):
        def build(self, request: BuildRequest) -> BuiltEngine:
            built.append(request.model)
            waiting.wait(timeout=30)
            return super().build(request)

    waiting = threading.Event()
    statuses: list[int] = []

    def run() -> None:
        both_started.wait()
        statuses.append(main(arguments(models), make_builder=SlowBuilder))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    while "another builder is at it" not in (output := capsys.readouterr().out):
        assert any(thread.is_alive() for thread in threads), output
    waiting.set()
    for thread in threads:
        thread.join(timeout=60)
    assert statuses == [0, 0]
    assert sorted(built) == ["net", "other"]


def test_without_tensorrt_the_command_says_what_to_do(models: Path) -> None:
    """As its own process, and without a GPU's tools on the path."""
    environment = {**os.environ, "PATH": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "serving", "build-engines", *arguments(models)],
        cwd=REPO_ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: Python's tensorrt cannot be imported")
    assert "the same TensorRT as Triton's" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_help_is_there() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "serving", "build-engines", "--help"],
        cwd=REPO_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for option in ("--model-repository", "--cache", "--target", "--gpu-product", "--link-into", "--no-build"):
        assert option in ended.stdout


def test_the_image_that_builds_has_every_package_that_the_command_imports() -> None:
    """docker/triton.Dockerfile installs these pins into NVIDIA's image, which has numpy; each brings its own needs."""
    pins = re.search(r"\^\(([a-z0-9|-]+)\)==", (REPO_ROOT / "docker" / "triton.Dockerfile").read_text())
    assert pins
    installed = {*pins[1].split("|"), "numpy"}
    for name in sorted(installed):
        installed |= {re.split(r"[^A-Za-z0-9-]", need)[0].lower() for need in metadata.requires(name) or []}
    program = "import sys, serving.__main__, serving.engines.build_command; print(*sorted(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPO_ROOT, capture_output=True, text=True, check=True)
    packages = metadata.packages_distributions()
    imported = {name.partition(".")[0] for name in ended.stdout.split()}
    needed = {packages[name][0].lower().replace("_", "-") for name in imported if name in packages} - {"genod"}
    # Parts of one distribution which the build environment happens to have, and Python's own tools.
    assert needed - installed <= {"setuptools", "grpcio-tools", "grpcio-health-checking", "grpcio-reflection"}
