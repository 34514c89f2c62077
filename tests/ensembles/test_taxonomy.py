import json
from pathlib import Path

import pytest

from ensembles.errors import TaxonomyRefused
from ensembles.taxonomy import TaxonomyClass, read_taxonomy
from tests.ensembles.toy_repository import TAXONOMY


def _read(tmp_path: Path, taxonomy: object) -> tuple[TaxonomyClass, ...]:
    path = tmp_path / "taxonomy.json"
    path.write_text(taxonomy if isinstance(taxonomy, str) else json.dumps(taxonomy))
    return read_taxonomy(path, "label_propagation")


def _entry(id_: object, name: object, *parents: object) -> dict[str, object]:
    return {"id": id_, "name": name, "parents": list(parents)}


def test_class_with_two_parents_is_well(tmp_path: Path) -> None:
    assert _read(tmp_path, TAXONOMY)[1] == TaxonomyClass(2, "Kuhn's dog", (9, 8))


@pytest.mark.parametrize(
    ("taxonomy", "rules"),
    [
        ("[{]", ["taxonomy-unreadable"]),
        ({"classes": []}, ["taxonomy-malformed"]),
        ([], ["taxonomy-malformed"]),
        (["cat", {"id": 1}], ["taxonomy-malformed", "taxonomy-malformed"]),
        ([_entry(0, "padding")], ["taxonomy-malformed"]),
        ([_entry(True, "cat")], ["taxonomy-malformed"]),
        ([_entry("1", "cat")], ["taxonomy-malformed"]),
        ([_entry(1, " ")], ["taxonomy-malformed"]),
        ([_entry(1, "cat", "animal")], ["taxonomy-malformed"]),
        ([{**_entry(1, "cat"), "color": "red"}], ["taxonomy-malformed"]),
        ([_entry(1, "cat"), _entry(1, "dog")], ["taxonomy-id-twice"]),
        ([_entry(1, "cat"), _entry(2, "cat")], ["taxonomy-name-twice"]),
        ([_entry(1, "cat", 5)], ["taxonomy-parent-unknown"]),
        ([_entry(1, "cat", 2, 2), _entry(2, "animal")], ["taxonomy-parent-twice"]),
        ([_entry(1, "cat", 1)], ["taxonomy-cycle"]),
        ([_entry(1, "a", 2), _entry(2, "b", 3), _entry(3, "c", 1)], ["taxonomy-cycle"]),
        (
            [_entry(1, "a", 7), _entry(2, "a", 2)],
            ["taxonomy-name-twice", "taxonomy-parent-unknown", "taxonomy-cycle"],
        ),
    ],
)
def test_broken_taxonomy_is_refused_with_every_reason(tmp_path: Path, taxonomy: object, rules: list[str]) -> None:
    with pytest.raises(TaxonomyRefused) as refused:
        _read(tmp_path, taxonomy)
    assert [problem.rule for problem in refused.value.problems] == rules


def test_cycle_is_named_from_class_to_parent(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyRefused) as refused:
        _read(tmp_path, [_entry(1, "a", 2), _entry(2, "b", 3), _entry(3, "c", 1)])
    received = refused.value.problems[0].received
    assert any(cycle in received for cycle in ("1 -> 2 -> 3 -> 1", "2 -> 3 -> 1 -> 2", "3 -> 1 -> 2 -> 3"))
