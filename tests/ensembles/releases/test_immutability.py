import pytest

from ensembles.errors import ReleaseChanged, ReleaseError
from ensembles.release_commands import check
from tests.ensembles.releases.toy_checkout import QUIET, ToyCheckout
from tests.ensembles.toy_repository import edit, write_head


def test_a_changed_version_folder_is_refused_with_the_next_free_version(checkout: ToyCheckout) -> None:
    checkout.new()
    (checkout.root / "head_a" / "4").mkdir()
    (checkout.root / "head_a" / "4" / "model.onnx").write_bytes(
        (checkout.root / "head_a" / "1" / "model.onnx").read_bytes()
    )
    edit(checkout.root, "head_a", "dynamic_batching", "version_policy { specific { versions: [1] } } dynamic_batching")
    write_head(checkout.root, "head_a", [1, 9])
    with pytest.raises(
        ReleaseChanged, match=r"head_a/1 differs from what release 1 pins: model.onnx \(changed\)"
    ) as no:
        checkout.new()
    assert "Put it in head_a/5" in str(no.value)
    assert [path.name for path in checkout.releases.iterdir()] == ["1.json"]


def test_added_and_removed_files_are_changes_too(checkout: ToyCheckout) -> None:
    (checkout.root / "preprocess" / "1" / "old.py").touch()
    checkout.new()
    (checkout.root / "preprocess" / "1" / "old.py").unlink()
    (checkout.root / "preprocess" / "1" / "new.py").touch()
    with pytest.raises(ReleaseChanged, match=r"new.py \(added\), old.py \(removed\)"):
        checkout.new()


def test_a_version_is_not_used_again_after_a_release_that_did_not_have_it(checkout: ToyCheckout) -> None:
    checkout.new()
    checkout.release_head(2, [1, 9])
    edit(checkout.root, "head_a", "dynamic_batching", "version_policy { specific { versions: [1] } } dynamic_batching")
    checkout.pin("head_a", 1)
    write_head(checkout.root, "head_a", [9])
    with pytest.raises(ReleaseChanged, match="head_a/1 differs from what release 1 pins"):
        checkout.new()


def test_a_new_version_folder_is_the_next_release(checkout: ToyCheckout) -> None:
    checkout.new()
    manifest = checkout.release_head(2, [1, 9])
    assert (manifest.number, manifest.models["head_a"].versions) == (2, (2,))


def test_a_changed_config_is_a_release_of_the_same_versions(checkout: ToyCheckout) -> None:
    checkout.new()
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    assert checkout.new().models["head_a"].versions == (1,)


def test_nothing_changed_is_no_release(checkout: ToyCheckout) -> None:
    checkout.new()
    with pytest.raises(ReleaseError, match="nothing that is served differs from release 1"):
        checkout.new()


def test_amend_writes_the_newest_release_again(checkout: ToyCheckout) -> None:
    checkout.new(notes="first")
    write_head(checkout.root, "head_a", [1, 9])
    manifest = checkout.new(amend=True)
    assert (manifest.number, manifest.notes) == (1, "first")
    assert manifest.models["head_a"].class_ids == {1: (1, 9)}


def test_amend_still_keeps_what_earlier_releases_pin(checkout: ToyCheckout) -> None:
    checkout.new()
    checkout.release_head(2, [1, 9])
    write_head(checkout.root, "head_b", [1])
    with pytest.raises(ReleaseChanged, match="head_b/1 differs from what release 1 pins"):
        checkout.new(amend=True)


def test_check_tells_a_change_that_is_due_from_one_that_is_forbidden(checkout: ToyCheckout) -> None:
    checkout.new()
    assert check(checkout.options(strict=True), QUIET) == 0
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    assert check(checkout.options(), QUIET) == 0
    assert check(checkout.options(strict=True), QUIET) == 1
    write_head(checkout.root, "head_b", [9])
    with pytest.raises(ReleaseChanged, match=r"head_b/1 is no longer what release 1 pins.*put it in head_b/2") as no:
        check(checkout.options(), QUIET)
    assert "new --amend" in str(no.value)
