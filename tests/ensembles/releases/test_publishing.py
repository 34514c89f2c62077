from pathlib import Path

import pytest

from ensembles.errors import BlobCorrupt, ReleaseChanged, StoreUnavailable
from ensembles.release_commands import check
from ensembles.releases.store import Store, blob_name
from tests.ensembles.releases.http_store import serve_store
from tests.ensembles.releases.toy_checkout import QUIET, ToyCheckout
from tests.ensembles.toy_repository import edit


def files(store: Path) -> dict[str, int]:
    return {path.relative_to(store).as_posix(): path.stat().st_ino for path in store.rglob("*") if path.is_file()}


def test_a_store_holds_each_content_once_and_the_manifests(checkout: ToyCheckout, tmp_path: Path) -> None:
    manifest = checkout.new()
    checkout.publish(1, tmp_path / "store")
    assert files(tmp_path / "store").keys() == {"releases/1.json", *map(blob_name, manifest.blobs())}


def test_what_is_there_is_not_uploaded_again(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    checkout.publish(1, tmp_path / "store")
    first = files(tmp_path / "store")
    checkout.publish(1, tmp_path / "store")
    assert files(tmp_path / "store") == first
    checkout.release_head(2, [1, 9])
    checkout.publish(2, tmp_path / "store")
    second = files(tmp_path / "store")
    assert first.items() <= second.items()
    new = checkout.manifest(2).blobs().keys() - checkout.manifest(1).blobs().keys()
    assert second.keys() - first.keys() == {"releases/2.json", *map(blob_name, new)}


def test_a_blob_that_was_cut_short_is_uploaded_again(checkout: ToyCheckout, tmp_path: Path) -> None:
    manifest = checkout.new()
    checkout.publish(1, tmp_path / "store")
    sha256 = max(manifest.blobs(), key=lambda sha256: manifest.blobs()[sha256])
    (tmp_path / "store" / blob_name(sha256)).write_bytes(b"cut")
    checkout.publish(1, tmp_path / "store")
    assert check(checkout.options(store=str(tmp_path / "store")), QUIET) == 0


def test_check_reads_every_blob_of_a_store(checkout: ToyCheckout, tmp_path: Path) -> None:
    manifest = checkout.new()
    checkout.publish(1, tmp_path / "store")
    sha256 = max(manifest.blobs(), key=lambda sha256: manifest.blobs()[sha256])
    path = tmp_path / "store" / blob_name(sha256)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with pytest.raises(BlobCorrupt, match=sha256):
        check(checkout.options(store=str(tmp_path / "store")), QUIET)


def test_a_number_is_published_with_one_content_only(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    checkout.publish(1, tmp_path / "store")
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    checkout.new(amend=True)
    before = files(tmp_path / "store")
    with pytest.raises(ReleaseChanged, match="has another release 1; a published release never changes"):
        checkout.publish(1, tmp_path / "store")
    assert files(tmp_path / "store") == before


def test_of_two_who_publish_one_number_at_once_one_wins(checkout: ToyCheckout, tmp_path: Path) -> None:
    first = checkout.new()
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    second = checkout.new(amend=True)
    store = Store(str(tmp_path / "store"))
    store.write_manifest(first)
    with pytest.raises(ReleaseChanged, match="by somebody else meanwhile"):
        store.write_manifest(second)
    store.write_manifest(first)
    assert files(tmp_path / "store").keys() == {"releases/1.json"}
    assert store.manifest(1) == first


def test_a_checkout_that_has_gone_on_cannot_publish_the_old_release(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    with pytest.raises(ReleaseChanged, match=r"no longer holds what release 1 pins: head_a/config\.pbtxt"):
        checkout.publish(1, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_store_that_can_only_be_read_is_refused(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    with serve_store(tmp_path) as http, pytest.raises(StoreUnavailable, match="http is for fetching"):
        checkout.publish(1, http.url)


def test_a_folder_that_cannot_be_written_is_one_sentence(checkout: ToyCheckout, tmp_path: Path) -> None:
    checkout.new()
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(StoreUnavailable, match="could not read releases/1") as refused:
        checkout.publish(1, tmp_path / "store")
    assert "\n" not in str(refused.value)
