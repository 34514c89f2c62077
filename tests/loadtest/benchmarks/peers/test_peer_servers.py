"""The peers' servers themselves: each answers over HTTP what the pipeline says, and leaves nothing behind."""

import contextlib
import json
import time
from pathlib import Path

import pytest

from loadtest.benchmarks.peers.http_load import Post, fetch
from loadtest.benchmarks.peers.peer_process import peer_process
from loadtest.benchmarks.peers.sides import PEERS
from tests.painted_photos import painted_jpegs


def living_processes_of(group):
    """The processes of a group that are not merely waiting to be reaped by whoever adopted them."""
    living = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, _, group_of_entry = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
            if int(group_of_entry) == group and state != "Z":
                living.append(int(entry.name))
    return living


def wait_until(condition, timeout_s=20):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS.values())
def test_a_peer_answers_pauses_and_ends_with_all_its_processes(name):
    photo = painted_jpegs()[1]
    with peer_process(name) as peer:
        post = Post(url=f"{peer.url}/detect", body=photo, headers={"Content-Type": "application/octet-stream"})
        first = json.loads(fetch(post))
        peer.pause()
        peer.resume()
        assert json.loads(fetch(post)) == first
        group = peer._process.pid
    assert first["image_size"] == [480, 640]
    assert len(first["scores"]) == len(first["boxes"]) == first["num_detections"]
    assert wait_until(lambda: living_processes_of(group) == [])


def test_a_peer_that_cannot_start_is_said_so():
    with pytest.raises(SystemExit, match="nobody ended with exit status 1"), peer_process("nobody"):
        pass
