import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from ensembles.errors import ReleaseError, StoreUnavailable
from ensembles.releases import store_markers
from ensembles.releases.checkout import Candidate, Content
from ensembles.releases.collecting import collect_garbage
from ensembles.releases.publishing import publish
from ensembles.releases.store import Store, blob_name
from ensembles.releases.store_markers import collecting, publishing
from ensembles.releases.transfer_progress import TransferProgress
from tests.ensembles.releases.http_store import serve_store
from tests.ensembles.releases.toy_checkout import ToyCheckout


@pytest.fixture
def three(checkout: ToyCheckout, tmp_path: Path) -> Store:
    """A store with three releases, each with a head of its own."""
    checkout.new()
    checkout.publish(1, tmp_path / "store")
    for number, ids in ((2, [1, 9]), (3, [1, 8])):
        checkout.release_head(number, ids)
        checkout.publish(number, tmp_path / "store")
    return Store(str(tmp_path / "store"))


def blobs(store: Store) -> set[str]:
    return {file.sha256 for file in store.blob_files().values()}


def test_only_what_no_kept_release_names_goes(three: Store, checkout: ToyCheckout) -> None:
    kept = {sha256 for number in (2, 3) for sha256 in checkout.manifest(number).blobs()}
    gone = checkout.manifest(1).blobs().keys() - kept
    garbage = collect_garbage(three, keep=2, dry_run=False)
    assert (garbage.releases, garbage.blobs) == ((1,), len(gone))
    assert garbage.size_bytes == sum(checkout.manifest(1).blobs()[sha256] for sha256 in gone) > 0
    assert three.numbers() == [2, 3]
    assert blobs(three) == kept


def test_dry_run_says_the_same_and_does_nothing(three: Store) -> None:
    before = blobs(three)
    told = collect_garbage(three, keep=1, dry_run=True)
    assert three.numbers() == [1, 2, 3]
    assert blobs(three) == before
    assert collect_garbage(three, keep=1, dry_run=False) == told


def test_what_nobody_names_at_all_goes_too(three: Store, tmp_path: Path) -> None:
    three.write_blob("ab" * 32, Content("", b"orphan"))
    half = tmp_path / "store" / (blob_name("cd" * 32).rpartition("/")[0]) / f".{'cd' * 32}.123"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"left by a killed writer")
    assert collect_garbage(three, keep=3, dry_run=False).blobs == 2
    assert not half.exists()
    assert collect_garbage(three, keep=3, dry_run=False).blobs == 0


@pytest.mark.parametrize("keep", [0, -1])
def test_keeping_nothing_is_refused(three: Store, keep: int) -> None:
    with pytest.raises(ReleaseError, match=f"--keep must be 1 or more, got {keep}"):
        collect_garbage(three, keep=keep, dry_run=False)


def test_an_http_store_is_refused(three: Store, tmp_path: Path) -> None:
    with serve_store(tmp_path) as http, pytest.raises(StoreUnavailable, match="can only be read"):
        collect_garbage(Store(http.url), keep=1, dry_run=True)


def test_what_somebody_is_publishing_is_kept(three: Store, checkout: ToyCheckout) -> None:
    manifest = checkout.manifest(1)
    three.remove_manifest(1)  # so that its blobs look like garbage, as those of a release that is being published do
    with publishing(three, manifest):
        assert collect_garbage(three, keep=1, dry_run=False).releases == (2,)
        assert manifest.blobs().keys() <= blobs(three)
    collect_garbage(three, keep=1, dry_run=False)
    assert blobs(three) == checkout.manifest(3).blobs().keys()


def test_a_publisher_waits_until_nobody_collects(three: Store, checkout: ToyCheckout) -> None:
    entered = threading.Event()

    def publish() -> None:
        with publishing(three, checkout.manifest(3), poll_s=0.01):
            entered.set()

    publisher = threading.Thread(target=publish)
    with collecting(three):
        publisher.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    publisher.join()


def test_notes_of_killed_processes_expire(three: Store, checkout: ToyCheckout, tmp_path: Path) -> None:
    long_ago = time.time() - store_markers.PUBLISHING_EXPIRES_S - 1
    three.write_note("publishing/1-dead.json", {"by": "x", "at": long_ago, "blobs": ["ab" * 32]})
    three.write_note("collecting/dead.json", {"by": "x", "at": long_ago})
    three.write_blob("ab" * 32, Content("", b"of a publisher that died"))
    checkout.publish(3, tmp_path / "store")
    assert collect_garbage(three, keep=3, dry_run=False).blobs == 1
    assert list((tmp_path / "store" / "publishing").iterdir()) == []
    assert list((tmp_path / "store" / "collecting").iterdir()) == []


def test_a_collector_that_takes_too_long_stops_by_itself(three: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_markers, "COLLECTING_STOPS_S", 0)
    with pytest.raises(StoreUnavailable, match="takes too long to go on safely"):
        collect_garbage(three, keep=1, dry_run=False)


def test_publishers_and_collectors_at_the_same_time_leave_every_release_whole(
    checkout: ToyCheckout, tmp_path: Path
) -> None:
    """Each publisher relies on blobs that the last collection may just have taken away."""
    checkout.new()
    contents = dict(checkout.candidate(1).contents)
    for number, ids in ((2, [1, 9]), (3, [1, 8]), (4, [9])):
        checkout.release_head(number, ids)
        contents |= checkout.candidate(number).contents
    url, over, missing = str(tmp_path / "store"), threading.Event(), []

    def collect() -> None:
        while not over.is_set():
            collect_garbage(Store(url), keep=1, dry_run=False)

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for number in [1, 2, 3, 4] * 3:
            store, manifest = Store(url), checkout.manifest(number)
            publish(manifest, Candidate(manifest, contents), store, TransferProgress("", Console(quiet=True)))
            if number in store.numbers():  # else it has been collected already, as an old release may be
                missing += [sha256 for sha256 in manifest.blobs() if store.blob_size(sha256) is None]
                missing = missing if number in store.numbers() else []
    finally:
        over.set()
        collector.join()
    assert missing == []
    assert blobs(Store(url)) >= checkout.manifest(4).blobs().keys()
