"""Locust in processes of its own: importing it would replace this one's sockets."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

from tests.conftest import REPO_ROOT


def locust_command(*options):
    return [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", *map(str, options)]


def run_locust(*options, timeout_s=120):
    """Run to the end; return the process with its exit code and everything that it wrote."""
    return subprocess.run(
        locust_command("--headless", "--only-summary", *options),
        cwd=REPO_ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
    )


@contextlib.contextmanager
def started_locust(*options):
    """Start Locust, and end it with SIGTERM when the block is left."""
    process = subprocess.Popen(
        locust_command(*options),
        cwd=REPO_ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def environment():
    # Options that a developer has set for Locust are not those of a test.
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)
