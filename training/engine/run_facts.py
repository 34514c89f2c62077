"""`run.json`: what a run's weights came from, besides its recipe."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from training.atomic_file import write_atomically
from training.data.roots import REPOSITORY_ROOT
from training.engine.processes import Processes

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "pycocotools")


@dataclass(frozen=True, slots=True)
class DataRow:
    """A photo or a crop that is learnt from."""

    data_set: str
    path: Path
    said: tuple[object, ...]
    """What the annotations say of it."""


def write_run_facts(path: Path, data: Iterable[DataRow], processes: Processes) -> None:
    """Write versions, revision, machine and the hashes of the data.

    A resumed run appends what is different now to `sessions`, so that a change of versions halfway is seen.
    """
    facts = {"software": _software(), "machine": _machine(processes), "data": _data(data)}
    document: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"sessions": []}
    if document["sessions"] and document["sessions"][-1]["data"] != facts["data"]:
        print(f"the data is not what this run began with (compare {path}): its losses will not be those", flush=True)
    if not document["sessions"] or document["sessions"][-1] != facts:
        document["sessions"].append(facts)
        write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())


def _software() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    return versions | {name: version(name) for name in PACKAGES} | {"git_revision": _git_revision()}


def _machine(processes: Processes) -> dict[str, str | int]:
    is_gpu = processes.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(processes.device) if is_gpu else f"cpu ({platform.machine()})",
        "processes": processes.count,
        # Sums over several threads are rounded in their order: only with as many is a run the same to the bit.
        "threads_per_process": torch.get_num_threads(),
    }


def _git_revision() -> str | None:
    """The commit of the checkout, with `-dirty` where files differ from it; None outside of one."""
    command = ["git", "-C", str(REPOSITORY_ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def _data(rows: Iterable[DataRow]) -> dict[str, dict[str, str | int]]:
    """Of every data set a hash of its photos' names, sizes in bytes, boxes and labels, in the order of training."""
    hashes: dict[str, Any] = {}
    counts: dict[str, int] = {}
    once_each = {(row.data_set, row.path, repr(row.said)): row for row in rows}  # however often it is shown
    for row in once_each.values():
        size_bytes = row.path.stat().st_size if row.path.exists() else None
        content = (row.path.name, size_bytes, *row.said)
        hashes.setdefault(row.data_set, hashlib.sha256()).update(repr(content).encode())
        counts[row.data_set] = counts.get(row.data_set, 0) + 1
    return {name: {"photos": counts[name], "sha256": digest.hexdigest()} for name, digest in hashes.items()}
