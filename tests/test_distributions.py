"""The two distributions and their pins agree: versions, requirements/*.txt, and a demo without torch."""

import re
import tomllib
from pathlib import Path

import genod_client
from tests.conftest import REPO_ROOT

GENOD = tomllib.loads((REPO_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLIENT = tomllib.loads((REPO_ROOT / "clients" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = REPO_ROOT / "requirements"


def canonical(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonical(name): version for name, version in found}


def names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[\[<>=!~ ;]", requirement)[0]) for requirement in requirements}


def test_both_distributions_have_one_version():
    assert GENOD["version"] == genod_client.__version__


def test_everything_that_is_declared_is_pinned_for_development():
    extras = [requirement for extra in GENOD["optional-dependencies"].values() for requirement in extra]
    declared = names([*GENOD["dependencies"], *extras, *CLIENT["dependencies"]])
    assert declared - pins(REQUIREMENTS / "dev.txt").keys() == set(), "run `make requirements`"


def test_everything_that_the_demo_declares_is_pinned_for_it():
    extras = [*GENOD["optional-dependencies"]["serve"], *GENOD["optional-dependencies"]["demo"]]
    declared = names([*GENOD["dependencies"], *extras, *CLIENT["dependencies"]])
    assert declared - pins(REQUIREMENTS / "demo.txt").keys() == set(), "run `make requirements`"


def test_the_demo_runs_what_the_tests_ran():
    assert pins(REQUIREMENTS / "demo.txt").items() <= pins(REQUIREMENTS / "dev.txt").items()


def test_the_demo_installs_no_training_or_load_library():
    heavy = {"torch", "torchvision", "locust", "nvidia-cudnn-cu13", "triton"}
    assert heavy & pins(REQUIREMENTS / "demo.txt").keys() == set()
