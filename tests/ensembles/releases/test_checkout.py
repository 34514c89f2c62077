from dataclasses import replace

import onnx
import pytest

from ensembles.config_file import read_config
from ensembles.errors import ManifestMalformed, ReleaseError
from ensembles.graph import Step
from ensembles.releases.checkout import build_candidate
from ensembles.releases.difference import describe_difference
from tests.ensembles.releases.toy_checkout import ToyCheckout
from tests.ensembles.toy_repository import TOY, edit


def test_every_file_of_the_pinned_versions_is_in_it_and_no_other(checkout: ToyCheckout) -> None:
    (checkout.root / "head_a" / "1" / "__pycache__").mkdir()
    (checkout.root / "head_a" / "1" / "__pycache__" / "x.pyc").touch()
    (checkout.root / "head_a" / "1" / ".hidden").touch()
    (checkout.root / "head_a" / "1" / "deep").mkdir()
    (checkout.root / "head_a" / "1" / "deep" / "weights.bin").write_bytes(b"w")
    (checkout.root / "head_a" / "2").mkdir()
    (checkout.root / "head_a" / "2" / "model.onnx").touch()
    edit(checkout.root, "head_a", "dynamic_batching", "version_policy { specific { versions: [1] } } dynamic_batching")
    manifest = checkout.candidate(5).manifest
    assert [file.path for file in manifest.models["head_a"].files] == [
        "head_a/1/deep/weights.bin",
        "head_a/1/model.onnx",
        "head_a/config.pbtxt",
    ]
    assert manifest.models["head_a"].versions == (1,)


def test_an_ensemble_is_released_as_the_version_that_is_the_number(checkout: ToyCheckout) -> None:
    manifest = checkout.candidate(5).manifest
    ensemble = manifest.ensembles["toy"]
    assert ensemble.version == 5
    assert ensemble.composing == {
        "preprocess": 1, "backbone": 1, "head_a": 1, "head_b": 1, "label_propagation": 1
    }  # fmt: skip
    assert [file.path for file in ensemble.files] == ["toy/5/.gitkeep", "toy/config.pbtxt"]
    assert ensemble.taxonomy == "label_propagation/1/taxonomy.json"


def test_heads_say_their_classes_and_targets_are_listed(checkout: ToyCheckout) -> None:
    (checkout.root / "head_a" / "configs").mkdir()
    (checkout.root / "head_a" / "configs" / "gpu.pbtxt").write_text((checkout.root / "head_a/config.pbtxt").read_text())
    manifest = checkout.candidate(1).manifest
    assert manifest.models["head_a"].class_ids == {1: (1,)}
    assert manifest.models["head_b"].class_ids == {1: (2,)}
    assert manifest.models["backbone"].class_ids == {}
    assert manifest.targets == ("gpu",)


def test_classes_that_one_head_took_over_from_another_are_declared(checkout: ToyCheckout, tmp_path) -> None:
    first = checkout.new()
    path = checkout.root / "label_propagation" / "1" / "model.onnx"
    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, {"taken_over": '{"head_b": [9, 2], "head_a": []}'})
    onnx.save(graph, path)
    manifest = checkout.new(amend=True)
    assert manifest.ensembles["toy"].taken_over == {"head_b": (2, 9)}
    assert any("head_b answers no more for 2 9" in line for line in describe_difference(first, manifest))
    checkout.publish(1, tmp_path / "store")
    text = (tmp_path / "store" / "releases" / "1.json").read_text()
    (tmp_path / "store" / "releases" / "1.json").write_text(text.replace('"head_b": [2, 9]', '"head_b": [2]'))
    with pytest.raises(ManifestMalformed, match=r"says that toy drops \{'head_b': \(2,\)\} of its heads"):
        checkout.fetch(1, tmp_path / "into", tmp_path / "store")


def test_configs_of_every_target_are_pinned(checkout: ToyCheckout, tmp_path) -> None:
    (checkout.root / "head_a" / "configs").mkdir()
    (checkout.root / "head_a" / "configs" / "gpu.pbtxt").write_text((checkout.root / "head_a/config.pbtxt").read_text())
    checkout.new()
    checkout.fetch(1, tmp_path / "into")
    for path in ("head_a/config.pbtxt", "head_a/configs/gpu.pbtxt", "toy/config.pbtxt"):
        config = read_config(tmp_path / "into" / "1" / path, path)
        assert list(config.version_policy.specific.versions) == [1]


def test_two_ensembles_may_pin_two_versions_of_a_model(checkout: ToyCheckout) -> None:
    checkout.release_head(2, [1, 9])
    other = replace(TOY, name="other")
    manifest = build_candidate(checkout.root, [*checkout.wirings, other], number=2).manifest
    assert manifest.models["head_a"].versions == (1, 2)
    assert manifest.models["head_a"].class_ids == {1: (1,), 2: (1, 9)}
    assert manifest.ensembles["toy"].composing["head_a"] == 2
    assert manifest.ensembles["other"].composing["head_a"] == 1


def test_one_ensemble_with_two_versions_of_a_model_is_refused(checkout: ToyCheckout) -> None:
    checkout.release_head(2, [1, 9])
    both = replace(TOY, steps=(*TOY.steps, Step("head_a", version=2, output_prefix="again_")))
    with pytest.raises(ReleaseError, match="uses head_a in versions 1 and 2"):
        build_candidate(checkout.root, [both], number=2)


def test_an_ensemble_within_an_ensemble_is_pinned_to_the_release(checkout: ToyCheckout) -> None:
    outer = replace(TOY, name="outer", steps=(Step("toy"),), taxonomy_model=None)
    manifest = build_candidate(checkout.root, [TOY, outer], number=4).manifest
    assert manifest.ensembles["outer"].composing == {"toy": 4}
