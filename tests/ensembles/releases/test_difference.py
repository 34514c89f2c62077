from ensembles.releases.difference import describe_difference
from tests.ensembles.releases.toy_checkout import ToyCheckout
from tests.ensembles.toy_repository import edit


def test_versions_classes_sizes_and_configs_are_told(checkout: ToyCheckout) -> None:
    first = checkout.new()
    edit(checkout.root, "backbone", "max_queue_size: 64", "max_queue_size: 32")
    second = checkout.release_head(2, [1, 9])
    lines = describe_difference(first, second)
    assert lines[0] == "~ ensemble toy 1 -> 2: head_a 1 -> 2"
    assert lines[1] == "~ model backbone: configs: ~config.pbtxt"
    assert lines[2].startswith("~ model head_a: version 1 -> 2; 0.0 MB -> 0.0 MB; classes: 2 (+ids 9)")
    assert lines[3].startswith("size: 0.0 MB (+0.0 MB), to fetch: ")


def test_equal_releases_differ_in_nothing(checkout: ToyCheckout) -> None:
    first = checkout.new()
    assert describe_difference(first, first) == ["nothing that is served differs"]


def test_models_ensembles_and_targets_come_and_go(checkout: ToyCheckout) -> None:
    first = checkout.new()
    (checkout.root / "backbone" / "configs").mkdir()
    (checkout.root / "backbone" / "configs" / "gpu.pbtxt").write_text(
        (checkout.root / "backbone" / "config.pbtxt").read_text()
    )
    second = checkout.new()
    forward, back = "\n".join(describe_difference(first, second)), "\n".join(describe_difference(second, first))
    assert "+configs/gpu.pbtxt" in forward
    assert "~ targets: default only -> gpu" in forward
    assert "-configs/gpu.pbtxt" in back
    without = checkout.candidate(3).manifest
    fewer = {name: model for name, model in without.models.items() if name != "head_b"}
    object.__setattr__(without, "models", fewer)
    assert "- model head_b" in describe_difference(second, without)
    assert any(line.startswith("+ model head_b 1: ") for line in describe_difference(without, second))
