"""Which of the checkout's files can change what a function returns: those that its module reaches by imports.

Work on a part that a job does not import leaves the job's kept results valid.
"""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path


class ReachedCode:
    """Reads import statements, also those inside functions, and follows the ones that lead to files of a checkout.

    What is imported by a computed name is not seen; nothing here does that but the jobs' own functions, which are given
    by name.
    """

    def __init__(self, root: Path) -> None:
        """Look for modules below `root`; whatever is not found there is a library."""
        self._root = root
        self._imported: dict[Path, frozenset[Path]] = {}

    def sha256(self, function: str) -> str:
        """Hash the names and contents of `files_of(function)`."""
        digest = hashlib.sha256()
        for path in self.files_of(function):
            digest.update(str(path.relative_to(self._root)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def files_of(self, function: str) -> list[Path]:
        """Return the Python files reached from `module:function`, and the data files that lie beside them, sorted.

        Beside a module lie the other files of its folder and of the folders below it that are no packages: a taxonomy's
        YAML, a page's templates.

        Raises:
            ModuleNotFoundError: there is no such module below the root.
        """
        module, _, _ = function.partition(":")
        waiting = set(self._files_of_module(module))
        if not waiting:
            raise ModuleNotFoundError(f"no module {module} below {self._root}, which the job {function} needs")
        reached: set[Path] = set()
        while waiting:
            path = waiting.pop()
            reached.add(path)
            waiting |= self._imports_of(path) - reached
        beside = {data for folder in {path.parent for path in reached} for data in _data_files(folder)}
        return sorted(reached | beside)

    def _imports_of(self, path: Path) -> frozenset[Path]:
        if path not in self._imported:
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            names = {name for node in ast.walk(tree) for name in self._names(node, path)}
            self._imported[path] = frozenset(file for name in names for file in self._files_of_module(name))
        return self._imported[path]

    def _names(self, node: ast.AST, path: Path) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(self._root).parts[: -node.level] if node.level else ()
            base = ".".join((*package, *([node.module] if node.module else [])))
            yield base
            # `from package import name`: the name may be a module of its own.
            yield from (f"{base}.{alias.name}" for alias in node.names)

    def _files_of_module(self, name: str) -> Iterator[Path]:
        """Yield the module's file and those of the packages above it, which Python runs first; nothing for others."""
        parts = name.split(".")
        place = self._root.joinpath(*parts)
        is_package = (place / "__init__.py").is_file()
        if not is_package and not place.with_suffix(".py").is_file():
            return
        yield place / "__init__.py" if is_package else place.with_suffix(".py")
        for depth in range(1, len(parts)):
            of_package = self._root.joinpath(*parts[:depth], "__init__.py")
            if of_package.is_file():
                yield of_package


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir() and not (path / "__init__.py").exists() and not any(path.glob("*.py")):
            yield from _data_files(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path
