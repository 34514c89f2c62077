"""The Dockerfiles, without a container runtime: read them, and run the tools with nothing but their packages."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPO_ROOT

FOLDER = REPO_ROOT / "docker"
DOCKERFILES = sorted(FOLDER.glob("*.Dockerfile"))


def instructions(file):
    """Instruction and its arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.strip().split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def named(names, file):
    return [arguments for instruction, arguments in instructions(file) if instruction == names]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_base_images_are_arguments_without_a_registry_and_with_a_version(file):
    defaults = dict(argument.split("=", 1) for argument in named("ARG", file))
    for base in named("FROM", file):
        image, tag = base.split(" ")[0].split(":")
        assert (image[:2], tag[:2]) == ("${", "${")
        assert "." not in defaults[image[2:-1]], "the host of a registry is named by the builder"
        assert defaults[tag[2:-1]] not in ("", "latest")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_the_image_does_not_run_as_root(file):
    assert named("USER", file)[-1] == "1000:1000"


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_what_is_copied_exists_and_is_sent_to_the_builder(file):
    ignore = file.with_name(f"{file.name}.dockerignore").read_text().splitlines()
    for arguments in named("COPY", file):
        if arguments.startswith("--from="):
            continue
        for source in shlex.split(arguments)[:-1]:
            assert (REPO_ROOT / source).exists(), source
            assert f"!{source.partition('/')[0]}" in ignore


def test_the_images_have_the_names_and_versions_that_the_chart_takes():
    values = yaml.safe_load((REPO_ROOT / "helm" / "genod" / "values.yaml").read_text())
    triton = dict(argument.split("=", 1) for argument in named("ARG", FOLDER / "triton.Dockerfile"))
    assert triton["TRITON_TAG"] == values["image"]["tag"]
    for file, repository in (("triton", values["image"]["repository"]), ("tools", values["toolsImage"]["repository"])):
        assert f"--tag {repository}:" in (FOLDER / f"{file}.Dockerfile").read_text()


def pinned(*files):
    """Package -> version of requirement files."""
    lines = "\n".join((REPO_ROOT / file).read_text() for file in files)
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lines, flags=re.MULTILINE))


def test_every_package_of_the_tools_is_pinned():
    pins = pinned("requirements/demo.txt", "docker/stores.txt")
    wanted = re.findall(r"^([a-z0-9-]+)", (FOLDER / "tools-packages.txt").read_text(), flags=re.MULTILINE)
    assert wanted
    assert [name for name in wanted if name not in pins] == []


def test_the_pins_of_both_files_agree():
    demo, stores = pinned("requirements/demo.txt"), pinned("docker/stores.txt")
    assert {name: (demo[name], stores[name]) for name in demo.keys() & stores if demo[name] != stores[name]} == {}


def triton_packages():
    """What the image gets besides its own numpy, without what these would require."""
    (names,) = re.findall(r"\^\(([a-z0-9|-]+)\)==", named("RUN", FOLDER / "triton.Dockerfile")[0])
    return names.split("|")


def test_the_packages_of_triton_are_pinned_and_complete():
    assert set(triton_packages()) <= pinned("requirements/demo.txt").keys()
    assert with_requirements(triton_packages()) <= {*triton_packages(), "numpy"}


# Imports the module of an argument with nothing but the standard library, this checkout and the named distributions.
ONLY_WITH = """
import runpy, sys
from importlib.metadata import packages_distributions
allowed = set(sys.argv[1].split(","))
owners = packages_distributions()
class Refuse:
    def find_spec(self, name, path=None, target=None):
        there = {owner.lower().replace("_", "-") for owner in owners.get(name, ())}
        if "." not in name and there and not there & allowed:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def with_requirements(names):
    """Distributions and all that they require with the extras that are asked for, as installed here."""
    found, todo = set(), [Requirement(name) for name in names]
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in found:
            continue
        found.add((name, frozenset(wanted.extras)))
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # s3fs and gcsfs are not needed on this machine
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ["", *wanted.extras]):
                todo.append(requirement)
    return {name for name, _ in found}


def run_only_with(packages, module, *arguments):
    # `genod` is this checkout itself.
    allowed = ",".join(sorted(with_requirements(packages) | {"genod"}))
    return subprocess.run(
        [sys.executable, "-c", ONLY_WITH, allowed, module, *arguments], cwd=REPO_ROOT, capture_output=True, text=True
    )


def tools_packages():
    lines = (FOLDER / "tools-packages.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")] + ["genod-client"]


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("ensembles", ("release", "fetch", "--help")),
        ("serving.probes", ("watch", "--help")),
        ("genod_client", ("detect", "--help")),
    ],
)
def test_the_tools_start_with_the_packages_of_their_image(module, arguments):
    ran = run_only_with(tools_packages(), module, *arguments)
    assert ran.returncode == 0, ran.stderr


def test_the_tools_fetch_a_release_with_the_packages_of_their_image(tmp_path):
    releases, store = tmp_path / "releases", (tmp_path / "store").as_uri()
    for verb in (["new"], ["publish", "1", "--store", store]):
        made = subprocess.run(
            [sys.executable, "-m", "ensembles", "release", *verb, "--releases", str(releases)],
            cwd=REPO_ROOT,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout + made.stderr
    into = str(tmp_path / "models")
    ran = run_only_with(tools_packages(), "ensembles", "release", "fetch", "1", "--store", store, "--into", into)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "models" / "current" / "detect" / "config.pbtxt").is_file()


def test_the_engine_builder_starts_with_the_packages_of_tritons_image():
    ran = run_only_with([*triton_packages(), "numpy"], "serving", "build-engines", "--help")
    assert ran.returncode == 0, ran.stderr


def test_a_package_that_is_not_in_the_image_would_be_missed():
    ran = run_only_with(["rich"], "ensembles", "release", "fetch", "--help")
    assert ran.returncode != 0
    assert "is not in the image" in ran.stderr
