"""Built engines, kept by all that they depend on.

``<cache>/<sha256 of model.onnx>/<TensorRT version>/<GPU product>/<settings>/model.plan``, beside it
``model.plan.json``: the record with the plan's own sha256, written last. Nothing is ever changed in place, so a server
may have a plan open, and releases that share a graph share its engine.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.engines.engine_spec import PLAN_NAME, EngineSpec
from serving.engines.file_replacement import PARTIAL_SUFFIX, replace_file
from serving.engines.gpu_product import GpuProduct
from serving.errors import EngineCacheError, EngineSettingsError

RECORD_NAME = f"{PLAN_NAME}.json"
LOCK_NAME = ".lock"
LOCK_POLL_S = 0.2


@dataclass(frozen=True)
class EngineKey:
    """What one engine depends on."""

    onnx_sha256: str
    tensorrt_version: str
    gpu: GpuProduct
    settings_digest: str

    def folder(self, cache: Path) -> Path:
        """Where its plan lies."""
        return cache / self.onnx_sha256 / self.tensorrt_version / self.gpu.folder_name / self.settings_digest


def key_of(spec: EngineSpec, *, tensorrt_version: str, gpu: GpuProduct) -> EngineKey:
    """Compute the key; reads the whole graph.

    Raises:
        EngineSettingsError: The version is no version, or the graph cannot be read.
    """
    if not re.fullmatch(r"[0-9][A-Za-z0-9.+_-]*", tensorrt_version):
        raise EngineSettingsError(f"--trt-version must be a version such as 10.13.3.9, got {tensorrt_version!r}")
    try:
        return EngineKey(sha256_of(spec.onnx_path), tensorrt_version, gpu, spec.settings_digest())
    except OSError as error:
        raise EngineSettingsError(f"{spec.onnx_path} cannot be read: {error}") from error


class EngineCache:
    """A folder of engines, which several builders may share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def plan_path(self, key: EngineKey) -> Path:
        """Where the plan of this key is, or will be."""
        return key.folder(self.root) / PLAN_NAME

    def fault(self, key: EngineKey) -> str | None:
        """Why there is no good plan for this key; None when there is one, whose every byte has just been compared."""
        plan = self.plan_path(key)
        try:
            record = json.loads((plan.parent / RECORD_NAME).read_text(encoding="utf-8"))
            if record["plan_sha256"] != sha256_of(plan):
                return "damaged: the plan is not the one that was recorded"
        except FileNotFoundError:
            return "not built yet"
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"damaged: {error}"
        return None

    def store(self, key: EngineKey, plan: bytes, details: dict[str, Any]) -> None:
        """Keep a plan: aside first, then by renaming, its record last.

        Raises:
            EngineCacheError: No space, no permission; nothing half-written is left.
        """
        folder = key.folder(self.root)
        record = {
            "plan_sha256": hashlib.sha256(plan).hexdigest(),
            "plan_bytes": len(plan),
            "onnx_sha256": key.onnx_sha256,
            "tensorrt_version": key.tensorrt_version,
            "gpu_product": key.gpu.name,
            "compute_capability": key.gpu.compute_capability,
            **details,
        }
        try:
            with suppress(FileNotFoundError):  # a record must never stand beside another plan
                (folder / RECORD_NAME).unlink()
            replace_file(folder / PLAN_NAME, plan)
            replace_file(folder / RECORD_NAME, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
        except OSError as error:
            raise EngineCacheError(
                f"cannot write the plan ({len(plan) / 1e6:.0f} MB) to {folder}: {error.strerror or error}."
                " Make room, or name another folder with --cache."
            ) from error

    @contextmanager
    def lock(self, key: EngineKey, *, timeout_s: float, on_wait: Callable[[], None]) -> Iterator[None]:
        """Be the only builder of this key, on all machines that share the cache.

        The kernel gives the lock back when its holder dies.

        Args:
            key: What is to be built.
            timeout_s: How long another builder is waited for.
            on_wait: Called once when there is another.

        Raises:
            EngineCacheError: The other did not finish in time, or the folder cannot be made.
        """
        folder = key.folder(self.root)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / LOCK_NAME).open("a")
        except OSError as error:
            raise EngineCacheError(
                f"cannot write to the cache {folder}: {error.strerror or error}. Name a writable folder with --cache."
            ) from error
        with file:
            deadline = time.monotonic() + timeout_s
            waited = False
            while not _try_lock(file.fileno(), folder):
                if not waited:
                    on_wait()
                    waited = True
                if time.monotonic() > deadline:
                    raise EngineCacheError(
                        f"another builder has held {folder / LOCK_NAME} for {timeout_s:g} s."
                        " Wait for it, or raise --lock-timeout-s."
                    )
                time.sleep(LOCK_POLL_S)
            # What a builder left that was killed while it wrote.
            for leftover in folder.glob(f"*{PARTIAL_SUFFIX}"):
                leftover.unlink(missing_ok=True)
            yield

    def read_timings(self, key: EngineKey) -> bytes:
        """Timings of kernels from earlier builds with this TensorRT on this GPU; empty if there are none."""
        with suppress(OSError):
            return self._timings_path(key).read_bytes()
        return b""

    def store_timings(self, key: EngineKey, timings: bytes) -> None:
        """Keep timings for the next build.

        Raises:
            EngineCacheError: No space, no permission.
        """
        path = self._timings_path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, timings)
        except OSError as error:
            raise EngineCacheError(f"cannot write {path}: {error.strerror or error}") from error

    def _timings_path(self, key: EngineKey) -> Path:
        return self.root / "timings" / key.tensorrt_version / f"{key.gpu.folder_name}.timings"


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _try_lock(descriptor: int, folder: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EngineCacheError(
            f"{folder} has no working file locks ({error.strerror}): use a volume with them, or a cache for each pod."
        ) from error
    return True
