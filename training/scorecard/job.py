"""One piece of work of a scorecard: a function by name, plain arguments, a plain result."""

import hashlib
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker process can do by itself; several relations may want the same one, and it is then done once."""

    name: str
    """Unique in a scorecard, readable: "FCOS on the merged sets, seed 0"."""
    function: str
    """`module:function`, called with the work folder and the arguments; returns what JSON can hold."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain values by name."""
    reads: tuple[Path, ...] = ()
    """Files whose content and folders whose file names and sizes the result depends on, besides the code."""
    cost: float = 1.0
    """About how many seconds of one core, for the time left."""
    stage: int = 1
    """Jobs of a lower stage are finished before those of a higher one start."""
    is_alone: bool = False
    """Nothing else runs meanwhile, since it measures time."""

    def key(self, code_sha256: str) -> str:
        """Return what the result is kept under: it changes with the arguments, the code and the files read.

        Args:
            code_sha256: of the code that the function reaches, see `reached_code.py`.
        """
        arguments = json.dumps(self.arguments, sort_keys=True)
        parts = (self.function, arguments, code_sha256, *(_fingerprint(path) for path in self.reads))
        slug = re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")
        return f"{slug}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:16]}"

    def run(self, work_folder: Path) -> Any:
        """Call the function."""
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(module), name)(work_folder, **self.arguments)


def _fingerprint(path: Path) -> str:
    if path.is_dir():
        return " ".join(f"{p.name} {p.stat().st_size}" for p in sorted(path.iterdir()) if p.is_file())
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
