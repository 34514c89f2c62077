"""How much memory a process and those it started hold."""

import os
import resource
import sys
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Resident memory of this process; where there is no /proc, the most it ever was."""
    try:
        return _resident_bytes(os.getpid())
    except OSError:
        unit_bytes = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def resident_bytes_of_children() -> int:
    """Resident memory of the processes that this one started, pages shared with it included; 0 without /proc."""
    total = 0
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    except OSError:
        return 0
    for pid in children:
        try:
            total += _resident_bytes(int(pid))
        except OSError:  # it has just ended
            continue
    return total


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
