"""`python -m ensembles release ...` as people and init containers call it."""

from pathlib import Path

import pytest

from ensembles import cli
from ensembles.releases.committed import DEFAULT_FOLDER, read_all_committed
from ensembles.releases.immutability import refuse_reused_versions
from tests.ensembles.releases.conftest import checkout  # noqa: F401
from tests.ensembles.releases.toy_checkout import ToyCheckout


def run(checkout: ToyCheckout, *arguments: object) -> int:  # noqa: F811
    places = ["--releases", checkout.releases, "--model-repository", checkout.root]
    return cli.main(["release", *map(str, arguments), *map(str, places)])


def test_from_new_to_gc(checkout: ToyCheckout, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    store, into = tmp_path / "store", tmp_path / "into"
    assert run(checkout, "new", "--notes", "first") == 0
    assert run(checkout, "publish", 1, "--store", store) == 0
    checkout.release_head(2, [1, 9])
    assert run(checkout, "check") == 0
    assert run(checkout, "diff", 1, 2) == 0
    assert run(checkout, "publish", 2, "--store", f"file://{store}") == 0
    assert run(checkout, "list", "--store", store) == 0
    assert run(checkout, "fetch", 2, "--store", store, "--into", into) == 0
    assert (into / "current" / "toy" / "2").is_dir()
    assert run(checkout, "gc", "--store", store, "--keep", 1, "--dry-run") == 0
    assert run(checkout, "gc", "--store", store, "--keep", 1) == 0
    assert run(checkout, "list") == 0
    out = capsys.readouterr().out
    for line in (
        "release 1: ",
        "all well: release 2 is what this checkout holds",
        "~ ensemble toy 1 -> 2: head_a 1 -> 2",
        "files uploaded",
        f"release 2 is in {into / '2'}",
        "would remove releases: 1; blobs: ",
        "\nremoved releases: 1; blobs: ",
        "first",
    ):
        assert line in out
    assert "\x1b[" not in out


def test_an_error_is_one_line_and_exit_1(checkout: ToyCheckout, tmp_path: Path, capsys) -> None:  # noqa: F811
    for arguments, said in (
        (["check"], "has no release. Make the first"),
        (["new", "--amend"], "has no release to amend"),
        (["fetch", 3, "--into", tmp_path / "into"], "there is no release 3"),
        (["fetch", 3, "--into", tmp_path / "into", "--store", tmp_path / "store"], "has no release 3"),
        (["publish", 3, "--store", "nothing://x"], "there is no release 3"),
        (["gc", "--keep", 1, "--store", "nothing://x"], "is no store that can be opened"),
    ):
        assert run(checkout, *arguments) == 1
        captured = capsys.readouterr()
        assert said in captured.err
        assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [[], ["fetch", "0", "--into", "x"], ["fetch", "one", "--into", "x"], ["fetch", "1"]]
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["release", *arguments])
    assert left.value.code == 2


def test_the_committed_releases_are_whole_and_use_no_version_twice() -> None:
    """Whether the checkout still holds the newest is asked by `make check`: work in progress must not fail tests."""
    manifests = read_all_committed(DEFAULT_FOLDER)
    assert [manifest.number for manifest in manifests] == list(range(1, len(manifests) + 1))
    for index, manifest in enumerate(manifests):
        refuse_reused_versions(manifest, manifests[:index])
