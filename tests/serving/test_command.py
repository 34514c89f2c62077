"""`python -m serving` as a person or a process manager uses it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from onnx import helper

from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT
from tests.serving.calls import is_running, wait_until
from tests.serving.load import Load
from tests.serving.toy_repository import Tensor, write_diamond, write_double, write_model

pytestmark = pytest.mark.triton

FREE_PORTS = ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]


def command(repository: Path, *arguments: str) -> list[str]:
    log = repository.parent / f"{repository.name}.log"
    return [
        sys.executable, "-m", "serving", "--model-repository", str(repository), "--log-file", str(log),
        "--exit-timeout-s", "5", *arguments,
    ]  # fmt: skip


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(repository, *arguments),
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def running(repository: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command, wait for its `ready:` line; yields it and the lines so far."""
    process = subprocess.Popen(
        command(repository, *FREE_PORTS),
        cwd=REPO_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("Ctrl-C stops")):
            line = process.stdout.readline()
            assert line, "ended before it was ready:\n" + "".join(lines)
            lines.append(line)
        yield process, lines
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def children_of(pid: int) -> list[int]:
    """Process ids of tritonserver and the guard."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("models")
    write_diamond(repository)
    return repository


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_under_load_stops_cleanly(repository: Path, stop_signal: signal.Signals) -> None:
    with running(repository) as (process, lines):
        output = "".join(lines)
        assert re.search(r"^loaded stem \(\d of 5\)$", output, re.MULTILINE), output
        ready = re.search(r"^ready: http://(\S+)  grpc://(\S+)  metrics (\S+)$", output, re.MULTILINE)
        assert ready, output
        children = children_of(process.pid)
        everybody = [*children, *(stub.pid for child in children for stub in find_stubs(child))]
        assert len(everybody) == 6, "tritonserver, the guard and four stubs"
        with Load(ready[1], ready[2], callers=8) as load:
            wait_until(lambda: load.success_count > 8, timeout_s=30, what="calls succeed")
            process.send_signal(stop_signal)
            assert process.wait(timeout=15) == 0
        assert all(load.errors)
        assert not any(is_running(pid) for pid in everybody)


def test_ctrl_c_also_stops_what_a_script_started_in_the_background(repository: Path) -> None:
    """A shell without job control starts background commands with SIGINT ignored."""
    process = subprocess.Popen(
        command(repository, *FREE_PORTS),
        cwd=REPO_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "starting tritonserver\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 0


def test_a_stop_while_models_load_is_clean_too(repository: Path) -> None:
    process = subprocess.Popen(
        command(repository, *FREE_PORTS),
        cwd=REPO_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "starting tritonserver\n"
    wait_until(lambda: len(children_of(process.pid)) == 2, timeout_s=30, what="tritonserver and guard start")
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=15)[0]
    assert process.returncode == 0
    assert "Traceback" not in rest
    # A guard that was being started just then ends by itself, a moment after the command.
    wait_until(lambda: not any(is_running(pid) for pid in children), timeout_s=15, what="no process is left")
    assert not any(find_stubs(pid) for pid in children)


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port", "--metrics-port"])
def test_a_taken_port_is_named_with_its_option(repository: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = other_program.getsockname()[1]
        ended = run(repository, *FREE_PORTS, option, str(port))
    assert ended.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in ended.stderr
    assert f"{option} 0" in ended.stderr


def test_a_model_that_does_not_load_is_shown_with_its_own_error(tmp_path: Path) -> None:
    write_double(tmp_path / "models", "good")
    write_model(
        tmp_path / "models",
        "wrong",
        inputs=[Tensor("x", "TYPE_FP32", (4,))],
        outputs=[Tensor("y", "TYPE_FP32", (4,))],
        nodes=[helper.make_node("Identity", ["x"], ["y"])],
        config_outputs=[Tensor("boxes", "TYPE_FP32", (4,))],
    )
    ended = run(tmp_path / "models", *FREE_PORTS)
    assert ended.returncode == 1
    assert "1 model does not load:\n  wrong: config.pbtxt and the ONNX graph of model 'wrong' differ" in ended.stderr
    assert "output 'boxes' of config.pbtxt is not in the graph, which has 'y'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) < 15, ended.stderr


def test_a_config_that_does_not_parse_is_shown_with_its_place(tmp_path: Path) -> None:
    write_double(tmp_path / "models", "good")
    (tmp_path / "models" / "typo" / "1").mkdir(parents=True)
    (tmp_path / "models" / "typo" / "config.pbtxt").write_text('name: "typo"\nbacknd: "onnxruntime"\n')
    ended = run(tmp_path / "models", *FREE_PORTS)
    assert ended.returncode == 1
    assert 'has no field named "backnd"' in ended.stderr
    assert "typo/config.pbtxt" in ended.stderr


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "holds no model: expected at least one <model>/config.pbtxt" in " ".join(ended.stderr.split())


def test_help_lists_the_ports() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "serving", "--help"], cwd=REPO_ROOT, capture_output=True, text=True, check=True
    )
    for option in (
        "--release",
        "--model-repository",
        "--http-port",
        "--grpc-port",
        "--metrics-port",
        "--host",
    ):
        assert option in ended.stdout
