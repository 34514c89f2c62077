"""Find the tritonserver of the ``nvidia-pytriton`` wheel and lay its parts out as Triton expects them.

The wheel keeps the Python backend, its stub programs and its libraries in separate folders; Triton wants one
folder for each backend. The layout lies in the user's cache; every start compares it with its sources, so it
cannot grow stale.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.cancellation_shim import LIBRARY_NAME, build_shim
from serving.errors import InstallationError

OWN_BACKENDS = Path(__file__).parent / "backends"
STUB_NAME = "triton_python_backend_stub"


# By default glibc gives every feature map back to the kernel after each request and takes zeroed pages for the next:
# megabytes of page faults a request. Keeping them costs the memory of the largest request so far; huge pages, where
# the kernel lends them on request, make the rest cheaper. Together a tenth of a request on 2 cores.
MALLOC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),  # the largest that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass(frozen=True)
class TritonInstallation:
    """Where the parts of Triton lie.

    Attributes:
        executable: The ``tritonserver`` program.
        backend_directory: One folder for each backend: ``python`` and ours.
        cache_directory: Implementations of the response cache.
        environment: Environment that tritonserver and its Python stubs need.
    """

    executable: Path
    backend_directory: Path
    cache_directory: Path
    environment: dict[str, str]


def find_installation(cache_root: Path | None = None) -> TritonInstallation:
    """Find Triton, lay out its backends and check that a Python stub can start.

    Args:
        cache_root: Where the layout goes; the user's cache folder by default.

    Returns:
        A Triton that can be started.

    Raises:
        InstallationError: nvidia-pytriton, the stub for this Python, or a shared library is missing.
    """
    package = _find_package()
    triton = package / "tritonserver"
    stub = triton / "python_backend_stubs" / _python_version() / STUB_NAME
    if not stub.is_file():
        available = ", ".join(sorted(folder.name for folder in (triton / "python_backend_stubs").iterdir()))
        raise InstallationError(
            f"nvidia-pytriton has no Python stub for Python {_python_version()}, only for {available}."
            " Make the environment with one of these."
        )

    # Keyed by all that the layout is made of: two checkouts or environments never share one.
    key = hashlib.sha256(f"{package}\n{sys.prefix}\n{OWN_BACKENDS}".encode()).hexdigest()[:16]
    layout = (cache_root or _user_cache()) / "genod" / "triton" / key
    libraries = layout / "lib"
    try:
        python_backend = triton / "backends" / "python"
        _copy_changed([*python_backend.iterdir(), stub], layout / "backends" / "python")
        for backend in OWN_BACKENDS.iterdir():
            _copy_changed(list(backend.glob("*.py")), layout / "backends" / backend.name)
        # Only this library, not its folder: conda's has a libstdc++ that must not replace the system's.
        _copy_changed(list(_libpython_of_interpreter()), libraries)
        shim = _write_shim(libraries)
    except OSError as error:
        raise InstallationError(
            f"cannot lay out Triton's backends in {layout}: {error}."
            " Set XDG_CACHE_HOME to a folder that can be written, with 40 MB free."
        ) from error

    environment = _environment([package.parent / "nvidia_pytriton.libs", libraries])
    _check_stub_starts(stub, environment)
    preloaded = environment.get("LD_PRELOAD")
    environment["LD_PRELOAD"] = " ".join([str(shim), *([preloaded] if preloaded else [])])
    return TritonInstallation(
        executable=triton / "bin" / "tritonserver",
        backend_directory=layout / "backends",
        cache_directory=triton / "caches",
        environment=environment,
    )


def _find_package() -> Path:
    # find_spec does not import the package, which would start its own logging and thread pools.
    spec = importlib.util.find_spec("pytriton")
    if spec is None or not spec.submodule_search_locations:
        raise InstallationError(
            "nvidia-pytriton, which carries tritonserver, is not installed in this Python"
            f" ({sys.executable}). Install it with: pip install 'genod[serve]', or run `make serve`."
        )
    return Path(spec.submodule_search_locations[0])


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _libpython_of_interpreter() -> Iterator[Path]:
    """The running interpreter's own shared library; the stub embeds Python and must find the same one."""
    name = f"libpython{_python_version()}.so.1.0"
    for folder in (sysconfig.get_config_var("LIBDIR"), f"{sys.base_prefix}/lib"):
        if folder and (Path(folder) / name).is_file():
            yield Path(folder) / name
            return


def _environment(library_folders: list[Path]) -> dict[str, str]:
    environment = dict(os.environ)
    inherited = environment.get("LD_LIBRARY_PATH")
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(
        [*(str(folder) for folder in library_folders), *([inherited] if inherited else [])]
    )
    for name, value in MALLOC_SETTINGS.items():
        environment.setdefault(name, value)
    # An embedded Python takes its environment from the `python3` that it finds first: make it this one.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    return environment


def _check_stub_starts(stub: Path, environment: dict[str, str]) -> None:
    """Start the stub without arguments: it refuses them, unless the loader misses a library first.

    Raises:
        InstallationError: A library is missing; says which package has it.
    """
    # Exit status of the dynamic loader.
    missing_library_status = 127
    trial = subprocess.run([str(stub)], env=environment, capture_output=True, text=True, check=False)
    if trial.returncode != missing_library_status:
        return
    advice = "Install the package that has it."
    if "libpython" in trial.stderr:
        package = f"libpython{_python_version()}"
        advice = (
            f"Install it with: apt-get install {package} (Debian, Ubuntu) or"
            f" dnf install python{_python_version()}-libs (Fedora),"
            " or use a Python that was built with --enable-shared."
        )
    raise InstallationError(f"Triton's Python stub cannot start: {trial.stderr.strip()}. {advice}")


def _write_shim(folder: Path) -> Path:
    shim = folder / LIBRARY_NAME
    content = build_shim(platform.machine())
    if not shim.is_file() or shim.read_bytes() != content:
        temporary = shim.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(content)
        temporary.replace(shim)
    return shim


def _copy_changed(sources: list[Path], folder: Path) -> None:
    """Make a folder hold exactly these files: copies, as Triton refuses a backend that links out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        target = folder / source.name
        if not _is_same_file(source, target):
            # Made aside and renamed: a server that starts at the same moment never sees half a file.
            temporary = folder / f".{source.name}.{os.getpid()}"
            shutil.copy2(source, temporary)
            temporary.replace(target)
    names = {source.name for source in sources}
    for old in folder.glob("*.py"):
        if old.name not in names:
            old.unlink()


def _is_same_file(source: Path, target: Path) -> bool:
    if not target.is_file():
        return False
    ours, theirs = source.stat(), target.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
