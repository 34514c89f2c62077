"""What is missing on a machine is named, with the package that has it."""

import importlib.util
import sys
from pathlib import Path

import pytest

from serving import installation
from serving.errors import InstallationError
from serving.installation import OWN_BACKENDS, find_installation


def test_the_layout_has_one_folder_for_each_backend(tmp_path: Path) -> None:
    found = find_installation(tmp_path)
    assert found.executable.is_file()
    assert {file.name for file in (found.backend_directory / "python").iterdir()} == {
        "libtriton_python.so",
        "triton_python_backend_stub",
        "triton_python_backend_utils.py",
    }
    copied = {file.name: file.read_bytes() for file in (found.backend_directory / "onnxruntime").iterdir()}
    assert copied == {file.name: file.read_bytes() for file in (OWN_BACKENDS / "onnxruntime").glob("*.py")}


def test_a_second_start_repairs_the_layout_and_keeps_what_is_right(tmp_path: Path) -> None:
    folder = find_installation(tmp_path).backend_directory
    changed, removed_from_checkout = folder / "onnxruntime" / "model.py", folder / "onnxruntime" / "old.py"
    changed.write_text("changed")
    removed_from_checkout.write_text("")
    library = folder / "python" / "libtriton_python.so"
    inode = library.stat().st_ino
    find_installation(tmp_path)
    assert changed.read_bytes() == (OWN_BACKENDS / "onnxruntime" / "model.py").read_bytes()
    assert not removed_from_checkout.exists()
    assert library.stat().st_ino == inode


def test_the_stub_finds_this_python_first(tmp_path: Path) -> None:
    environment = find_installation(tmp_path).environment
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))


def test_without_nvidia_pytriton_the_command_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InstallationError, match=r"nvidia-pytriton.*is not installed.*pip install 'genod\[serve\]'"):
        find_installation(tmp_path)


def test_without_libpython_the_package_is_named(tmp_path: Path) -> None:
    """In place of the stub a program that fails as the loader fails on a machine without libpython."""
    stub = tmp_path / "stub"
    stub.write_text(
        "#!/bin/sh\necho 'stub: error while loading shared libraries: libpython3.11.so.1.0: cannot"
        " open shared object file: No such file or directory' >&2\nexit 127\n"
    )
    stub.chmod(0o755)
    with pytest.raises(InstallationError) as raised:
        installation._check_stub_starts(stub, {})
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "libpython3.11.so.1.0: cannot open shared object file" in str(raised.value)
    assert f"apt-get install libpython{version}" in str(raised.value)


def test_a_cache_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "genod").write_text("a file where the folder should be")
    with pytest.raises(InstallationError, match=r"cannot lay out Triton's backends.*Set XDG_CACHE_HOME"):
        find_installation(tmp_path)


def test_a_python_without_a_stub_is_refused_with_the_versions_that_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_python_version", lambda: "3.99")
    with pytest.raises(InstallationError, match=r"no Python stub for Python 3\.99, only for .*3\.11"):
        find_installation(tmp_path)
