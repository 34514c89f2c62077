"""What must not be committed: index hosts, paths of somebody's machine, large files, too many weights."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPO_ROOT

# The same limit as the pre-commit hook's. The demo's own weights are the only large files.
LARGE_FILE_BYTES = 250_000
ALL_WEIGHTS_BYTES = 40_000_000

# Written in pieces, so that this file does not contain what it looks for.
INDEX_HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("debian", "org"))]
INDEX_HOSTS += [".".join(("registry", "npmjs")), ".".join(("conda", "anaconda"))]
MACHINE_PATH = re.compile(r"(?<![\w./~])/(?:" + "|".join(("root", "home", "work", "Users")) + r")/\w")


def files_of_the_repository() -> list[Path]:
    """What is tracked, and what would be with `git add .`"""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode != 0:
        pytest.skip(f"not a git checkout: {listing.stderr.strip()}")
    names = [name for name in listing.stdout.split("\0") if name]
    return [file for name in sorted(set(names)) if (file := REPO_ROOT / name).is_file()]


def in_model_repository(file: Path) -> bool:
    return file.is_relative_to(REPO_ROOT / "model_repository")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for file in files_of_the_repository():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # weights and pictures
        found += [
            f"{file.relative_to(REPO_ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if pattern.search(line)
        ]
    return found


def test_no_file_names_a_package_index():
    assert lines_with(re.compile("|".join(map(re.escape, INDEX_HOSTS)))) == []


def test_no_file_names_a_path_of_one_machine():
    assert lines_with(MACHINE_PATH) == []


def test_large_files_stay_in_the_model_repository():
    large = {
        str(file.relative_to(REPO_ROOT)): file.stat().st_size
        for file in files_of_the_repository()
        if file.stat().st_size > LARGE_FILE_BYTES and not in_model_repository(file)
    }
    assert large == {}


def test_the_committed_weights_stay_small():
    weights = {file: file.stat().st_size for file in files_of_the_repository() if in_model_repository(file)}
    assert sum(weights.values()) <= ALL_WEIGHTS_BYTES


def test_the_patterns_find_what_they_look_for():
    assert MACHINE_PATH.search("cd " + "/home" + "/ada/genod")
    assert not MACHINE_PATH.search("GET https://host" + "/home" + "/page and ./work" + "/x")
