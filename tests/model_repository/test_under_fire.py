"""Eight callers, real and broken photos, killed model processes, Ctrl-C: every call ends, with a result or an error."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from genod_client import Detections, GenODClient, GenODError, ImageRefusedError, UnavailableError
from serving.stub_processes import find_stubs
from tests.conftest import REPO_ROOT

pytestmark = [pytest.mark.triton, pytest.mark.slow]

CALLERS = 8
TIMEOUT_S = 20.0


class Callers:
    """Threads that send photos in a loop, half over HTTP and half over gRPC, until told to stop."""

    def __init__(self, urls, photos):
        self.outcomes = []
        self._photos = photos
        self._stop = threading.Event()
        self._threads = [
            # each begins at another part of the list
            threading.Thread(target=self._call, args=(urls[k % 2], k * len(photos) // CALLERS), daemon=True)
            for k in range(CALLERS)
        ]

    def start(self):
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S + 10)
        assert [thread.name for thread in self._threads if thread.is_alive()] == [], "hung callers"

    def wait_until_every_photo_was_answered(self, within_s=60.0):
        give_up_s = time.monotonic() + within_s
        while {name for _, name, _ in self.outcomes} < {name for name, _ in self._photos}:
            assert time.monotonic() < give_up_s, "not every photo was answered in time"
            time.sleep(0.1)

    def wait_for_success_after(self, moment_s, within_s=90.0):
        give_up_s = time.monotonic() + within_s
        while time.monotonic() < give_up_s:
            if any(started > moment_s and isinstance(result, Detections) for started, _, result in self.outcomes):
                return
            time.sleep(0.1)
        pytest.fail(f"nobody was served within {within_s} s; last outcomes: {self.outcomes[-3:]}")

    def _call(self, url, position):
        with GenODClient(url, timeout_s=TIMEOUT_S) as client:
            while not self._stop.is_set():
                name, photo = self._photos[position % len(self._photos)]
                position += 1
                started = time.monotonic()
                result: Detections | GenODError
                try:
                    result = client.detect(photo)
                except GenODError as error:
                    result = error
                    if isinstance(error, UnavailableError):
                        time.sleep(0.1)  # the server is being restarted, or is gone
                self.outcomes.append((started, name, result))


@pytest.fixture
def served(tmp_path):
    """`python -m serving` as people run it: the process, its two addresses, tritonserver's process id."""
    command = [sys.executable, "-u", "-m", "serving", "--log-file", str(tmp_path / "triton.log")]
    command += ["--http-port", "0", "--grpc-port", "0", "--metrics-port", "0"]
    output = (tmp_path / "serving.txt").open("w+")
    process = subprocess.Popen(command, cwd=REPO_ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        give_up_s = time.monotonic() + 90
        while not (ready := re.search(r"ready: (http://\S+)\s+(grpc://\S+)", (tmp_path / "serving.txt").read_text())):
            assert process.poll() is None, (tmp_path / "serving.txt").read_text()
            assert time.monotonic() < give_up_s, "the server was not ready in time"
            time.sleep(0.1)
        yield process, ready.groups()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        output.close()


def children_of(pid):
    """Every thread lists the children that it made itself; the supervisor is one."""
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError):  # it has just ended
            children += [int(child) for child in task.read_text().split()]
    return children


def tritonserver_of(serving_pid):
    """The tritonserver below `python -m serving`, whatever guards stand between."""
    for child in children_of(serving_pid):
        if Path(f"/proc/{child}/comm").read_text().strip() == "tritonserver":
            return child
        if (below := tritonserver_of(child)) is not None:
            return below
    return None


def wait_for_another_server(serving_pid, old_pid, within_s=90.0):
    give_up_s = time.monotonic() + within_s
    while tritonserver_of(serving_pid) in (None, old_pid):
        assert time.monotonic() < give_up_s, "the supervisor did not replace the server"
        time.sleep(0.1)


@pytest.fixture
def photos(request, painted_photos):
    """The 46 real and broken files where they are, painted and broken ones otherwise."""
    try:
        folder = request.getfixturevalue("genod_data") / "photos"
    except pytest.skip.Exception:
        whole = [(f"painted {k}", photo) for k, photo in enumerate(painted_photos)]
        return [*whole, ("broken", painted_photos[0][:2000]), ("no image", b"hello")]
    names = [entry["file"] for entry in json.loads((folder / "expected.json").read_text())]
    return [(name, (folder / name).read_bytes()) for name in names]


def test_no_call_hangs_whatever_dies(served, photos):
    process, urls = served
    callers = Callers(urls, photos)
    callers.start()
    callers.wait_until_every_photo_was_answered()

    for model in ("preprocess", "backbone", "head_electronics", "label_propagation"):
        server_pid = tritonserver_of(process.pid)
        victim = next(stub for stub in find_stubs(server_pid) if stub.instance_name.startswith(model))
        os.kill(victim.pid, signal.SIGKILL)
        wait_for_another_server(process.pid, server_pid)
        callers.wait_for_success_after(time.monotonic())

    process.send_signal(signal.SIGINT)  # Ctrl-C under load
    process.wait(timeout=60)
    callers.stop()

    assert process.returncode == 0
    assert all(isinstance(result, Detections | GenODError) for _, _, result in callers.outcomes)
    refused = {name for _, name, result in callers.outcomes if isinstance(result, ImageRefusedError)}
    detected = {name for _, name, result in callers.outcomes if isinstance(result, Detections)}
    assert refused
    assert detected
    assert not refused & detected, "the same photo was refused once and served once"
