"""A workaround: keep clients that give up from crashing tritonserver 2.51.

When a gRPC client goes away (deadline, Ctrl-C, lost connection) Triton cancels its request. In tritonserver
2.51 a cancelled ensemble request that has two steps running side by side, as the heads do, ends the server
with a segmentation fault (docs/TRITON_NOTES.md). The front end cancels through one exported function,
``TRITONSERVER_InferenceRequestCancel``; a library with a function of this name that does nothing, preloaded,
makes a request whose client is gone run to its end and its answer be dropped, which is what HTTP requests
always do.

The library has three instructions, so it is written here byte by byte: a serving machine has no compiler, and
a binary in the repository could not be reviewed. It can go once every supported tritonserver is 26.05 or
newer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from serving.errors import InstallationError

CANCEL_FUNCTION = "TRITONSERVER_InferenceRequestCancel"
LIBRARY_NAME = "libgenod_ignore_cancellation.so"


@dataclass(frozen=True)
class Architecture:
    """What differs between processors.

    Attributes:
        elf_machine: ``e_machine`` of the ELF header.
        return_null: Instructions of a function that returns a null pointer, which to Triton is success.
        page_size: Largest page size of its kernels, in bytes.
    """

    elf_machine: int
    return_null: bytes
    page_size: int


ARCHITECTURES = {
    # endbr64; xor eax, eax; ret
    "x86_64": Architecture(62, bytes.fromhex("f30f1efa 31c0 c3"), 0x1000),
    # bti c; mov x0, #0; ret
    "aarch64": Architecture(183, bytes.fromhex("5f2403d5 000080d2 c0035fd6"), 0x10000),
}

# Names and numbers of the ELF specification (System V ABI, chapters 4 and 5).
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
READ, WRITE, EXECUTE = 4, 2, 1
DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 0, 4, 5, 6, 10, 11, 14
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
SYMBOL = struct.Struct("<IBBHQQ")
PROGRAM_HEADER_COUNT = 4


def build_shim(machine: str) -> bytes:
    """Write the shared library that exports the do-nothing function.

    Args:
        machine: Processor as ``platform.machine()`` names it.

    Returns:
        Content of the library file.

    Raises:
        InstallationError: No such processor is known here; nvidia-pytriton has no wheel for it either.
    """
    if machine not in ARCHITECTURES:
        allowed = ", ".join(ARCHITECTURES)
        raise InstallationError(f"tritonserver runs on {allowed}; this machine is {machine}.")
    architecture = ARCHITECTURES[machine]

    strings = b"\0" + CANCEL_FUNCTION.encode() + b"\0" + LIBRARY_NAME.encode() + b"\0"
    function_name_offset = 1
    library_name_offset = function_name_offset + len(CANCEL_FUNCTION) + 1
    # One bucket that starts at symbol 1, and the two links of its chain.
    hash_table = struct.pack("<5I", 1, 2, 1, 0, 0)

    # First segment: headers, tables and code, readable and executable.
    symbols_at = _align(ELF_HEADER.size + PROGRAM_HEADER_COUNT * PROGRAM_HEADER.size, 16)
    hash_at = symbols_at + 2 * SYMBOL.size
    strings_at = hash_at + len(hash_table)
    code_at = _align(strings_at + len(strings), 16)
    first_end = code_at + len(architecture.return_null)
    # Second segment: the dynamic section, writable, because the loader of glibc before 2.35 writes into it.
    dynamic_at = _align(first_end, architecture.page_size)

    global_function = (1 << 4) | 2
    symbols = SYMBOL.pack(0, 0, 0, 0, 0, 0) + SYMBOL.pack(
        # Any section but "undefined" (0): the library has no section table.
        function_name_offset,
        global_function,
        0,
        1,
        code_at,
        len(architecture.return_null),
    )
    dynamic = b"".join(
        struct.pack("<qQ", tag, value)
        for tag, value in (
            (DT_SONAME, library_name_offset),
            (DT_HASH, hash_at),
            (DT_STRTAB, strings_at),
            (DT_SYMTAB, symbols_at),
            (DT_STRSZ, len(strings)),
            (DT_SYMENT, SYMBOL.size),
            (DT_NULL, 0),
        )
    )
    page = architecture.page_size
    program_headers = b"".join(
        PROGRAM_HEADER.pack(kind, flags, at, at, at, size, size, align)
        for kind, flags, at, size, align in (
            (PT_LOAD, READ | EXECUTE, 0, first_end, page),
            (PT_LOAD, READ | WRITE, dynamic_at, len(dynamic), page),
            (PT_DYNAMIC, READ | WRITE, dynamic_at, len(dynamic), 8),
            # Says that no executable stack is needed; without it the loader would make all stacks executable.
            (PT_GNU_STACK, READ | WRITE, 0, 0, 16),
        )
    )

    content = bytearray(dynamic_at + len(dynamic))
    for at, part in (
        (0, _elf_header(architecture)),
        (ELF_HEADER.size, program_headers),
        (symbols_at, symbols),
        (hash_at, hash_table),
        (strings_at, strings),
        (code_at, architecture.return_null),
        (dynamic_at, dynamic),
    ):
        content[at : at + len(part)] = part
    return bytes(content)


def _elf_header(architecture: Architecture) -> bytes:
    sixty_four_bit, little_endian, version, shared_object = 2, 1, 1, 3
    identification = b"\x7fELF" + bytes([sixty_four_bit, little_endian, version]) + bytes(9)
    return ELF_HEADER.pack(
        identification,
        shared_object,
        architecture.elf_machine,
        version,
        0,  # no entry point
        ELF_HEADER.size,  # program headers follow
        0,  # no section headers
        0,
        ELF_HEADER.size,
        PROGRAM_HEADER.size,
        PROGRAM_HEADER_COUNT,
        0,
        0,
        0,
    )


def _align(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
