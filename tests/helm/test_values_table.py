import subprocess
import sys

import pytest

from helm.values_table import BEGIN, END, ValuesTableError, documented_values, markdown_table, with_table
from tests.conftest import REPO_ROOT
from tests.helm.chart import CHART_FOLDER, load_values

TEXT = """\
# Heading that is no value.
a:
  # -- How many,
  # over two lines.
  count: 3
  # -- A map of one's own.
  labels: {x: "1"}
# -- Names | of things.
names: []
"""


def test_every_value_is_a_row_in_the_files_order():
    assert [(value.path, value.default, value.description) for value in documented_values(TEXT)] == [
        ("a.count", 3, "How many, over two lines."),
        ("a.labels", {"x": "1"}, "A map of one's own."),
        ("names", [], "Names | of things."),
    ]


def test_a_value_without_a_comment_is_refused_with_its_place():
    with pytest.raises(ValuesTableError, match=r"values.yaml:4: `b.d` has no comment"):
        documented_values("b:\n  # -- c\n  c: 1\n  d: 2\n")


def test_bars_do_not_break_the_table():
    assert r"Names \| of things." in markdown_table(documented_values(TEXT))


def test_only_what_is_between_the_marks_changes():
    assert with_table(f"head\n{BEGIN}\nold\n{END}\ntail\n", "new") == f"head\n{BEGIN}\nnew\n{END}\ntail\n"
    with pytest.raises(ValuesTableError, match="has no"):
        with_table("no marks", "new")


def test_every_value_of_the_chart_is_documented():
    values = documented_values((CHART_FOLDER / "values.yaml").read_text(encoding="utf-8"))
    assert {value.path.partition(".")[0] for value in values} == load_values(CHART_FOLDER / "values.yaml").keys()
    assert len(values) > 100


def test_the_readme_is_up_to_date():
    checked = subprocess.run(
        [sys.executable, "helm/values_table.py", "--check"], cwd=REPO_ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
