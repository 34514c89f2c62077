import io
import json

import pytest
from rich.console import Console

from tests.training.taxonomy.taxonomies import taxonomy_of
from training.taxonomy import TAXONOMY_PATH, DatasetMapping, UnknownCategoryError
from training.taxonomy.mapping import MAPPINGS_DIR
from training.taxonomy.render import render_mapping, render_tree
from training.taxonomy.show import main

TAXONOMY = taxonomy_of({"toy": [], "gear": [], "frisbee": ["toy", "gear"], "[ball]": ["toy"]})
MAPPING = DatasetMapping("coco", MAPPINGS_DIR / "coco.yaml", {"frisbee": 3, "Ball": 4})


def printed(renderable):
    text = io.StringIO()
    Console(file=text, width=100).print(renderable)
    return text.getvalue()


def drawn(*args, **kwargs):
    return printed(render_tree(*args, **kwargs))


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")


def test_a_category_is_drawn_below_each_parent_with_its_id_its_labels_and_its_other_parents():
    assert drawn(TAXONOMY, [MAPPING]).splitlines() == [
        "4 categories, 2 roots, 2 levels, 1 with several parents, coco: 2 labels",
        "├── toy #1",
        "│   ├── frisbee #3  coco  also gear",
        "│   └── [ball] #4  coco:Ball",
        "└── gear #2",
        "    └── frisbee #3  coco  also toy",
    ]


def test_only_a_part_is_drawn_on_request():
    assert drawn(TAXONOMY, under=2).splitlines()[1:] == ["└── gear #2", "    └── frisbee #3  also toy"]
    with pytest.raises(UnknownCategoryError):
        render_tree(TAXONOMY, under=77)


def test_a_mapping_is_shown_with_what_stands_above_and_why_a_label_has_none():
    mapping = DatasetMapping("coco", MAPPINGS_DIR / "coco.yaml", {"[Fris]": 3}, (), {"Thing": "says too little"})
    lines = [line.split("\u2502") for line in printed(render_mapping(mapping, TAXONOMY)).splitlines()]
    cells = [[cell.strip() for cell in row[1:4]] for row in lines if len(row) > 3]
    assert cells == [["[Fris]", "frisbee #3", "toy, gear"], ["Thing", "none", "says too little"]]


def test_the_command_shows_the_shipped_taxonomy(wide, capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    labels = ("coco: 80 labels", "fruit: 3 labels", "microcontrollers: 4 labels", "openimages: 601 labels")
    assert all(text in shown for text in labels)
    assert "cat #5  coco, lvis, openimages:Cat" in shown


def test_the_command_shows_what_the_labels_of_a_dataset_mean(wide, capsys):
    assert main(["--mapping", "coco_mini"]) == 0
    assert "carnivore, mammal, animal" in capsys.readouterr().out
    assert main(["--mapping", "coca"]) == 1
    assert "no mapping for the dataset 'coca'" in capsys.readouterr().err


def test_the_command_prints_one_json_object(capsys):
    assert main(["--json", "--under", "timepiece", "--mapping", "coco", "--against", str(TAXONOMY_PATH)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"id": 116, "name": "clock", "parents": ["timepiece"]} in document["categories"]
    assert document["mappings"]["coco"]["labels"] == {"clock": 116}
    assert document["changes"]["violations"] == []


def test_the_command_lists_what_changed_and_fails_where_an_id_is_lost(tmp_path, wide, capsys):
    other = tmp_path / "taxonomy.yaml"
    shipped = TAXONOMY_PATH.read_text()
    other.write_text(shipped.replace("name: clock, ", "name: time teller, ").replace("[clock]", "[time teller]"))
    assert main(["--against", str(other)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("0 added, 0 removed, 1 renamed, 0 moved")
    assert "~ time teller #116 is now clock" in out
    other.write_text(f"{shipped.rstrip()}\n  - {{id: 999999, name: okapi, parents: [giraffe]}}\n")
    assert main(["--against", str(other)]) == 1
    assert "error: id 999999, 'okapi', is gone" in capsys.readouterr().out
    assert main(["--against", str(TAXONOMY_PATH)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_the_command_says_what_is_wrong_and_fails(capsys):
    assert main(["--under", "electronic"]) == 1
    assert "did you mean 'electronics'" in capsys.readouterr().err
    assert main(["--taxonomy", "missing.yaml"]) == 1
    assert "missing.yaml: there is no such file" in capsys.readouterr().err
