import pytest

from ensembles.errors import WiringMalformed
from ensembles.served_models import read_served_models
from ensembles.wiring.detect import ENSEMBLE, wire

GOOD = '{"shared": {"preprocess": 1, "backbone": 3, "label_propagation": 2}, "heads": {"head_b": 4, "head_a": 1}}'


def test_versions_are_pinned_and_heads_keep_their_order(tmp_path):
    (tmp_path / "served.json").write_text(GOOD)
    steps = {step.model: step.version for step in wire(read_served_models(tmp_path / "served.json")).steps}
    assert steps == {"preprocess": 1, "backbone": 3, "head_b": 4, "head_a": 1, "label_propagation": 2}
    assert list(steps)[2:4] == ["head_b", "head_a"]


def test_the_committed_file_is_what_detect_is_wired_from():
    assert wire(read_served_models()) == ENSEMBLE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "must be JSON with the objects 'shared' and 'heads'"),
        ('{"shared": {}}', "must be JSON"),
        (GOOD.replace("4", '"4"'), "pins head_b to '4'"),
        (GOOD.replace("4", "0"), "pins head_b to 0"),
    ],
)
def test_a_file_that_pins_no_versions_is_refused(tmp_path, text, message):
    (tmp_path / "served.json").write_text(text)
    with pytest.raises(WiringMalformed, match=message):
        read_served_models(tmp_path / "served.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WiringMalformed, match=r"served\.json"):
        read_served_models(tmp_path / "served.json")
