"""The library that is written byte by byte loads, and its function does nothing."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from serving.cancellation_shim import ARCHITECTURES, CANCEL_FUNCTION, build_shim
from serving.errors import InstallationError


@pytest.fixture
def library(tmp_path: Path) -> Path:
    file = tmp_path / "shim.so"
    file.write_bytes(build_shim(platform.machine()))
    return file


def test_the_function_returns_null_which_is_success(library: Path) -> None:
    function = getattr(ctypes.CDLL(str(library)), CANCEL_FUNCTION)
    function.restype = ctypes.c_void_p
    assert function(ctypes.c_void_p(12345)) is None


def test_the_loader_accepts_it_in_front_of_any_program(library: Path) -> None:
    program = f"import ctypes; print(bool(ctypes.CDLL(None).{CANCEL_FUNCTION}))"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_it_asks_for_no_executable_stack(library: Path) -> None:
    ctypes.CDLL(str(library))
    stack = next(line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("[stack]"))
    assert stack.split()[1] == "rw-p"


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_every_supported_processor_gets_a_library_of_its_own(machine: str) -> None:
    content = build_shim(machine)
    assert content.startswith(b"\x7fELF\x02\x01\x01")
    assert int.from_bytes(content[18:20], "little") == ARCHITECTURES[machine].elf_machine
    assert CANCEL_FUNCTION.encode() in content


def test_another_processor_is_refused() -> None:
    with pytest.raises(InstallationError, match="tritonserver runs on x86_64, aarch64; this machine is riscv64"):
        build_shim("riscv64")
