import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ensembles.errors import ConfigUnreadable, RepositoryNotFound, TaxonomyRefused, WiringRefused
from ensembles.graph import Ensemble, Step
from ensembles.render_command import render_all
from tests.ensembles.toy_repository import TOY, edit, write_taxonomy


def _with_step(old: str, new: Step) -> Ensemble:
    return replace(TOY, steps=tuple(new if step.model == old else step for step in TOY.steps))


def _rules(root: Path, wiring: Ensemble) -> list[str]:
    with pytest.raises(WiringRefused) as refused:
        render_all(root, [wiring])
    assert {problem.file for problem in refused.value.problems} == {Path("ensembles/wiring/toy.py")}
    return [problem.rule for problem in refused.value.problems]


def test_writes_config_and_a_version_folder_that_git_keeps(toy: Path) -> None:
    rendered = (toy / "toy" / "config.pbtxt").read_bytes()
    shutil.rmtree(toy / "toy")
    assert render_all(toy, [TOY]) == [toy / "toy" / "config.pbtxt"]
    assert (toy / "toy" / "config.pbtxt").read_bytes() == rendered
    assert (toy / "toy" / "1" / ".gitkeep").read_bytes() == b""


def test_second_run_changes_nothing(toy: Path) -> None:
    assert render_all(toy, [TOY]) == []


def test_audience_of_one_head_is_one_short_wiring(toy: Path) -> None:
    (toy / "label_propagation_a" / "1").mkdir(parents=True)
    shutil.copy(toy / "label_propagation" / "1" / "taxonomy.json", toy / "label_propagation_a" / "1")
    text = (
        (toy / "label_propagation" / "config.pbtxt").read_text().replace('"label_propagation"', '"label_propagation_a"')
    )
    kept = [line for line in text.splitlines() if "head_b" not in line]
    (toy / "label_propagation_a" / "config.pbtxt").write_text("\n".join(kept))
    wiring = replace(
        TOY,
        name="toy_a",
        steps=(
            Step("preprocess"),
            Step("backbone"),
            Step("head_a", output_prefix="head_a_"),
            Step("label_propagation_a"),
        ),
        taxonomy_model="label_propagation_a",
    )
    assert render_all(toy, [TOY, wiring]) == [toy / "toy_a" / "config.pbtxt"]
    assert "head_b" not in (toy / "toy_a" / "config.pbtxt").read_text()


@pytest.mark.parametrize(
    ("wiring", "rules"),
    [
        (_with_step("backbone", Step("spine")), ["model-unknown"]),
        (_with_step("backbone", Step("backbone", version=4)), ["version-missing"]),
        (_with_step("backbone", Step("backbone", inputs={"pixels": "canvas"})), ["step-input-unwritten"]),
        (_with_step("backbone", Step("backbone", inputs={"pixel": "pixels"})), ["step-input-unknown"]),
        (replace(TOY, max_batch_size=9), ["batch-too-large"]),
        (replace(TOY, outputs=("scores", "class_ids", "boxes")), ["ensemble-output-unwritten"]),
        (replace(TOY, inputs=("image", "hint")), ["ensemble-input-unused"]),
        (replace(TOY, steps=()), ["steps-empty"]),
    ],
)
def test_wiring_that_triton_would_refuse_is_not_written(toy: Path, wiring: Ensemble, rules: list[str]) -> None:
    before = (toy / "toy" / "config.pbtxt").read_bytes()
    assert set(rules) <= set(_rules(toy, wiring))
    assert (toy / "toy" / "config.pbtxt").read_bytes() == before


def test_two_heads_without_prefix_are_refused(toy: Path) -> None:
    assert "tensor-written-twice" in _rules(toy, _with_step("head_b", Step("head_b", output_prefix="head_a_")))


def test_one_bad_wiring_leaves_all_files_as_they_were(toy: Path) -> None:
    edit(toy, "toy", '"friend"', '"foe"')
    with pytest.raises(WiringRefused):
        render_all(toy, [TOY, replace(TOY, name="other", steps=())])
    assert '"foe"' in (toy / "toy" / "config.pbtxt").read_text()


def test_unreadable_config_of_a_composing_model_is_refused(toy: Path) -> None:
    edit(toy, "backbone", "max_batch_size", "max_batchsize")
    with pytest.raises(ConfigUnreadable, match="max_batchsize"):
        render_all(toy, [TOY])


def test_broken_committed_ensemble_can_be_rendered_again(toy: Path) -> None:
    (toy / "toy" / "config.pbtxt").write_text("<<<<<<< HEAD\n")
    assert render_all(toy, [TOY]) == [toy / "toy" / "config.pbtxt"]


def test_broken_taxonomy_is_refused(toy: Path) -> None:
    write_taxonomy(toy, [])
    with pytest.raises(TaxonomyRefused):
        render_all(toy, [TOY])


def test_missing_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound, match="absent is not a folder"):
        render_all(tmp_path / "absent", [TOY])
