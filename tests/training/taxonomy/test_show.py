import io

import pytest
from rich.console import Console

from tests.training.taxonomy.taxonomies import taxonomy_of
from training.taxonomy import DatasetMapping, UnknownCategoryError
from training.taxonomy.mapping import MAPPINGS_DIR
from training.taxonomy.show import main, render_tree

TAXONOMY = taxonomy_of({"toy": [], "gear": [], "frisbee": ["toy", "gear"], "[ball]": ["toy"]})
MAPPING = DatasetMapping("coco", MAPPINGS_DIR / "coco.yaml", {"frisbee": 3, "Ball": 4})


def drawn(*args, **kwargs):
    text = io.StringIO()
    Console(file=text, width=100).print(render_tree(*args, **kwargs))
    return text.getvalue()


def test_a_category_is_drawn_below_each_parent_with_its_id_its_labels_and_its_other_parents():
    assert drawn(TAXONOMY, [MAPPING]).splitlines() == [
        "4 categories, 2 roots, 2 levels, coco: 2 labels",
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


def test_the_command_shows_the_shipped_taxonomy(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("coco: 80 labels", "fruit: 3 labels", "microcontrollers: 4 labels"))
    assert "cat #5  coco" in shown


def test_the_command_says_what_is_wrong_and_fails(capsys):
    assert main(["--under", "electronic"]) == 1
    assert "did you mean 'electronics'" in capsys.readouterr().err
    assert main(["--taxonomy", "missing.yaml"]) == 1
    assert "missing.yaml: there is no such file" in capsys.readouterr().err
