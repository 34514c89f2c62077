"""Imports go one way; what is not a Python package stays none.

    training -> (files) model_repository <- (files) ensembles;  serving reads files;  loadtest -> clients

Every import statement of the tree is parsed, also those inside functions, so nothing has to be installed.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT

# Import name -> folder of the checkout.
PACKAGES = {
    "training": "training",
    "ensembles": "ensembles",
    "serving": "serving",
    "retrieval": "retrieval",
    "loadtest": "loadtest",
    "genod_client": "clients/genod_client",
}

# What a package may import of the others. Everything else passes through files or a server.
MAY_IMPORT: dict[str, set[str]] = {"loadtest": {"genod_client"}}

# Heavy or process-changing libraries, and the only packages that may import them.
ONLY_IN = {
    "torch": {"training"},
    "torchvision": {"training"},
    "locust": {"loadtest"},  # importing it patches the sockets of the whole process
}

# Scripts that run as processes of their own and that nothing imports: the peers of a benchmark, which are what people
# would write instead of using Triton. Eager PyTorch is one of the things they would use, and the modules whose export
# is served are in `training`. The load generator beside them stays free of both, by the rules below.
OWN_PROCESSES = {"loadtest/benchmarks/peers/servers": {"torch", "training", "loadtest.benchmarks.peers.servers"}}

# Files that Triton imports by bare name inside its own process: the checkout is not on their path.
STANDALONE = {
    "model_repository/*/*": {"numpy", "PIL", "cv2", "triton_python_backend_utils"},
    "serving/backends/*": {"numpy", "onnxruntime", "triton_python_backend_utils"},
}


@dataclass(frozen=True)
class Import:
    """One imported top-level name and where it stands."""

    name: str
    file: Path
    line: int

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(REPO_ROOT)}:{self.line}"


def python_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


def imports_of_file(file: Path) -> Iterator[Import]:
    """The absolute imports of a file; relative ones cannot leave their package."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        else:
            continue
        for name in names:
            yield Import(name.split(".")[0], file, node.lineno)


def imports_of_package(package: str) -> Iterator[Import]:
    for file in python_files(REPO_ROOT / PACKAGES[package]):
        if not any(file.is_relative_to(REPO_ROOT / folder) for folder in OWN_PROCESSES):
            yield from imports_of_file(file)


def imported_modules(file: Path) -> Iterator[tuple[str, int]]:
    """The full dotted names that a file imports, with their lines; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def listed(lines: list[str]) -> str:
    return "\n  " + "\n  ".join(lines)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_the_packages_below_it(package):
    allowed = MAY_IMPORT.get(package, set()) | {package}
    wrong = [
        f"{found.place} imports {found.name}"
        for found in imports_of_package(package)
        if found.name in PACKAGES.keys() - allowed
    ]
    assert not wrong, (
        f"{package} may import {sorted(allowed)} of the first-party packages; pass a file or call the server "
        f"instead:{listed(wrong)}"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_leaves_heavy_libraries_to_their_owners(package):
    wrong = [
        f"{found.place} imports {found.name}, which only {sorted(ONLY_IN[found.name])} may"
        for found in imports_of_package(package)
        if package not in ONLY_IN.get(found.name, {package})
    ]
    assert not wrong, listed(wrong)


def is_within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(f"{allowed}.")


@pytest.mark.parametrize("folder", OWN_PROCESSES)
def test_a_process_of_its_own_imports_only_itself_and_what_it_is_allowed(folder):
    guarded = {*PACKAGES, *ONLY_IN}
    wrong = [
        f"{file.relative_to(REPO_ROOT)}:{line} imports {name}"
        for file in python_files(REPO_ROOT / folder)
        for name, line in imported_modules(file)
        if name.split(".")[0] in guarded and not any(is_within(name, allowed) for allowed in OWN_PROCESSES[folder])
    ]
    assert not wrong, f"{folder} may import {sorted(OWN_PROCESSES[folder])}:{listed(wrong)}"


@pytest.mark.parametrize("folder", OWN_PROCESSES)
def test_nothing_imports_a_process_of_its_own(folder):
    """It is started as a subprocess: an import would bring torch into the process that measures."""
    module = folder.replace("/", ".")
    wrong = [
        f"{file.relative_to(REPO_ROOT)}:{line}"
        for package in PACKAGES.values()
        for file in python_files(REPO_ROOT / package)
        if not file.is_relative_to(REPO_ROOT / folder)
        for name, line in imported_modules(file)
        if is_within(name, module)
    ]
    assert not wrong, f"start {module} as a process instead of importing it:{listed(wrong)}"


@pytest.mark.parametrize("pattern", STANDALONE)
def test_files_that_triton_imports_know_only_their_siblings_and_a_few_libraries(pattern):
    wrong = []
    for folder in sorted(path for path in REPO_ROOT.glob(pattern) if path.is_dir()):
        siblings = {file.stem for file in python_files(folder)}
        known = siblings | STANDALONE[pattern] | sys.stdlib_module_names
        for file in python_files(folder):
            wrong += [
                f"{found.place} imports {found.name}" for found in imports_of_file(file) if found.name not in known
            ]
    assert not wrong, (
        f"Triton imports {pattern} by bare name, without the checkout on its path; allowed are siblings, the "
        f"standard library and {sorted(STANDALONE[pattern])}:{listed(wrong)}"
    )


def test_nothing_imports_the_model_repository():
    wrong = [
        found.place
        for package in [*PACKAGES, "tests"]
        for file in python_files(REPO_ROOT / PACKAGES.get(package, package))
        for found in imports_of_file(file)
        if found.name == "model_repository"
    ]
    assert not wrong, (
        "importing model_repository leaves a __pycache__ there, which Triton polls as a model; "
        f"load the file by its path:{listed(wrong)}"
    )


def test_the_model_repository_is_not_a_package():
    """Triton takes each of its sub-folders for a model, a `__pycache__` too."""
    repository = REPO_ROOT / "model_repository"
    strays = [repository / "__pycache__", *repository.rglob("__init__.py")]
    assert [stray for stray in strays if stray.exists()] == []


def test_every_package_folder_has_an_init_file():
    missing = {
        str(file.parent.relative_to(REPO_ROOT))
        for folder in [*PACKAGES.values(), "tests"]
        for file in python_files(REPO_ROOT / folder)
        if not (file.parent / "__init__.py").exists()
        and not any(file.parent.match(pattern) for pattern in STANDALONE)
        and not file.parent.name.isdigit()  # a model's version folder, also of repositories made for tests
    }
    assert not missing, (
        "add an __init__.py: without it in tests/ and below, pytest takes tests/clients for the package "
        f"`clients`:{listed(sorted(missing))}"
    )


def test_a_forbidden_import_is_found_wherever_it_stands(tmp_path):
    file = tmp_path / "late.py"
    file.write_text("def f():\n    import torch.nn\n    from serving import launcher\n    from . import near\n")
    assert [(found.name, found.line) for found in imports_of_file(file)] == [("torch", 2), ("serving", 3)]
