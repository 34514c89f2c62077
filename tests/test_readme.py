"""What README.md and docs/ show is real: targets, paths, modules, links, options, code."""

import ast
import importlib
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving import ServerOptions, TritonServer
from serving.demo import sample_photos
from tests.conftest import REPO_ROOT

README = REPO_ROOT / "README.md"
PAGES = [README, REPO_ROOT / "CONTRIBUTING.md", *sorted((REPO_ROOT / "docs").glob("*.md"))]
ONE_SCREEN_LINES = 75

# A path as prose writes it: of the checkout, without spaces, placeholders or wildcards.
PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*")
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What appears only after a command ran, or in the reader's own folders.
MADE_BY_COMMANDS = ("out/", "runs/", ".venv/", ".venv-demo/")

# What looks like a path and is none of the checkout: versions of a model, folders of a store and of a fetched release,
# calls of Triton's API, labels of Kubernetes.
OF_A_SERVER = re.compile(
    r"(detect|head_\w+|label_propagation)/(N|\d+)/?$|DIR/|models/$|blobs/|publishing/|collecting/|repository/index$|genod/(release|track)$"
)

# Folders of a data set or of a run, wherever the reader keeps them.
OF_A_READER = re.compile(r"^(annotations|images|JPEGImages|reference|tensorboard)/")


def page_id(page: Path) -> str:
    return str(page.relative_to(REPO_ROOT))


def code_spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text(encoding="utf-8")))


def blocks(page: Path, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(page.read_text(encoding="utf-8")) if found == language]


def commands(page: Path) -> list[str]:
    """Shell lines of a page without their comments, and the commands inside its prose."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    spans = [span for span in code_spans(page) if re.match(r"(make|python|genod|\.venv\S*) ", span)]
    return [" ".join(shlex.split(line, comments=True)) for line in lines if line.strip()] + spans


def make_targets() -> set[str]:
    makefile = (REPO_ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts derive them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_readme_fits_one_screen():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= ONE_SCREEN_LINES


def test_the_readme_draws_every_model_of_the_repository():
    drawing = "".join(blocks(README, ""))
    models = {folder.name for folder in (REPO_ROOT / "model_repository").iterdir() if folder.is_dir()}
    assert {model for model in models - {"detect"} if model not in drawing} == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_that_a_page_names_exists(page):
    named = {word for command in commands(page) for word in re.findall(r"^make ([a-z-]+)", command)}
    assert named - make_targets() == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_module_that_a_page_runs_exists(page):
    named = {word for command in commands(page) for word in re.findall(r"\bpython -m ([\w.]+)", command)}
    missing = {name for name in named if importlib.util.find_spec(name) is None}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_path_that_a_page_names_exists(page):
    named = {
        span
        for span in code_spans(page)
        if PATH.fullmatch(span) and not (OF_A_SERVER.match(span) or OF_A_READER.match(span))
    }
    missing = {name for name in named if not name.startswith(MADE_BY_COMMANDS) and not exists(name, page)}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_of_a_page_leads_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{page.name} links to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(linked), f"{page.name} links to #{anchor}, which {linked.name} lacks"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_python_block_of_a_page_uses_names_that_exist(page):
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_option_of_genod_detect_that_a_page_shows_exists(page):
    shown = [command for command in commands(page) if re.search(r"\bgenod detect ", command)]
    options = {option for command in shown for option in re.findall(r"(?<=\s)--[a-z-]+", command)}
    if not options:
        return
    completed = subprocess.run(
        [Path(sys.executable).with_name("genod"), "detect", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {option for option in options if option not in completed.stdout} == set()


@pytest.mark.triton
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")
def test_the_curl_example_gets_an_answer(tmp_path):
    (block,) = [block for page in PAGES for block in blocks(page, "bash") if "curl" in block]
    options = ServerOptions(
        REPO_ROOT / "model_repository",
        http_port=0,
        grpc_port=0,
        metrics_port=0,
        log_file=tmp_path / "tritonserver.log",
    )
    photo = next(photo for photo in sample_photos() if photo.stem == "chelsea")
    with TritonServer(options) as server:
        script = block.replace("127.0.0.1:8000", server.http_url).replace("=cat.jpg", f"={photo}")
        completed = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    shapes = {output["name"]: output["shape"] for output in json.loads(completed.stdout)["outputs"]}
    assert shapes == {"class_ids": [1, 300], "scores": [1, 300]}


def exists(name: str, page: Path) -> bool:
    """Whether a path exists from the checkout's root, from the page's own folder, or among the models."""
    return any((folder / name).exists() for folder in (REPO_ROOT, page.parent, REPO_ROOT / "model_repository"))
