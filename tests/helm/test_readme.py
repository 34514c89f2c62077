"""The tests that the chart's README names exist, and its example of a refusal is what the chart says."""

import re

import helm_python
import pytest

from tests.conftest import REPO_ROOT
from tests.helm.chart import CHART_FOLDER, render

README = (CHART_FOLDER / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?!\*\*)(?P<claim>[^|]+) \|[^|]*\| (?P<proof>`[^|]*::[^|]*) \|$", re.MULTILINE)


def test_every_row_names_tests_that_exist():
    rows = list(ROW.finditer(README))
    assert len(rows) >= 35
    missing = []
    for row in rows:
        for file_name, test in re.findall(r"`([\w/]+\.py)::(\w+)`", row["proof"]):
            file = REPO_ROOT / "tests" / "helm" / file_name
            if not file.is_file() or not re.search(rf"^(async )?def {test}\(", file.read_text(), re.MULTILINE):
                missing.append(f"{row['claim']}: {file_name}::{test}")
    assert missing == []


def test_every_row_of_the_comparison_has_a_proof():
    table = README.partition("| **What most have** |")[2].partition("\n\n")[0]
    claims = [line for line in table.splitlines()[1:] if not line.startswith("| **")]
    assert [line for line in claims if "::" not in line] == []


def test_the_example_of_a_refusal_is_what_the_chart_says():
    example = " ".join(README.partition("These values do not work (2):")[2].partition("```")[0].split())
    with pytest.raises(helm_python.HelmRenderError) as refused:
        render({"sharedMemory": {"sizeMiB": 64}, "replicas": 2, "autoscaling": {"enabled": True}})
    assert example in " ".join(str(refused.value).split())


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (CHART_FOLDER / link).exists()] == []


def test_every_values_file_is_in_its_table():
    assert [file.name for file in CHART_FOLDER.glob("values*.yaml") if f"`{file.name}`" not in README] == []
