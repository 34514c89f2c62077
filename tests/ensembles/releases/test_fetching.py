"""`release fetch` from folders, memory and real HTTP servers, also from those that lie, die or are full."""

import hashlib
import json
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import onnx
import pytest

from ensembles.errors import (
    BlobCorrupt,
    DiskFull,
    ManifestMalformed,
    Refused,
    ReleaseChanged,
    ReleaseError,
    ReleaseUnknown,
    StoreUnavailable,
)
from ensembles.releases import download
from ensembles.releases.store import blob_name
from ensembles.releases.verification import has_its_files
from tests.conftest import REPO_ROOT
from tests.ensembles.releases.http_store import serve_store
from tests.ensembles.releases.toy_checkout import ToyCheckout
from tests.ensembles.toy_repository import edit


@pytest.fixture
def store(checkout: ToyCheckout, tmp_path: Path) -> Path:
    """A store with release 1."""
    checkout.new()
    checkout.publish(1, tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


@pytest.fixture(autouse=True)
def _small_pieces_and_short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PIECE_BYTES", 100)
    monkeypatch.setattr(download, "FIRST_PAUSE_S", 0.01)


def is_release(into: Path, checkout: ToyCheckout, number: int) -> bool:
    return has_its_files(into / str(number), checkout.manifest(number))


def replace_blob(store: Path, checkout: ToyCheckout, path: str, content: bytes, *, rename: bool) -> None:
    """Put other bytes in the place of a released file; with `rename` the manifest in the store agrees with them."""
    file = next(file for file in checkout.manifest(1).files() if file.path == path)
    if not rename:
        (store / blob_name(file.sha256)).write_bytes(content)
        return
    sha256 = hashlib.sha256(content).hexdigest()
    (store / blob_name(sha256)).parent.mkdir(parents=True, exist_ok=True)
    (store / blob_name(sha256)).write_bytes(content)
    text = (store / "releases" / "1.json").read_text()
    text = text.replace(
        f'"sha256": "{file.sha256}", "size_bytes": {file.size_bytes}',
        f'"sha256": "{sha256}", "size_bytes": {len(content)}',
    )
    (store / "releases" / "1.json").write_text(text)


@pytest.mark.parametrize("kind", ["folder", "file", "memory", "http", "http without ranges", "checkout"])
def test_a_release_comes_whole_from_every_kind_of_store(kind, store, checkout, into) -> None:
    with serve_store(store) as http:
        http.knows_ranges = kind != "http without ranges"
        url = {"folder": str(store), "file": f"file://{store}", "memory": "memory://store", "checkout": None}.get(
            kind, http.url
        )
        if kind == "memory":
            checkout.publish(1, url)
        checkout.fetch(1, into, url)
    assert is_release(into, checkout, 1)
    assert sorted(entry.name for entry in into.iterdir()) == [".fetching", "1", "current"]
    assert os.readlink(into / "current") == "1"
    assert [entry.name for entry in (into / ".fetching").iterdir()] == ["lock"]
    assert json.loads((into / "1" / "release.json").read_text())["number"] == 1


def test_a_second_fetch_downloads_nothing(store, checkout, into) -> None:
    with serve_store(store) as http:
        checkout.fetch(1, into, http.url)
        count = len(http.blob_requests())
        before = (into / "1" / "backbone" / "1" / "model.onnx").stat().st_ino
        checkout.fetch(1, into, http.url)
        assert len(http.blob_requests()) == count > 0
    assert (into / "1" / "backbone" / "1" / "model.onnx").stat().st_ino == before


def test_the_next_release_downloads_only_what_is_new_and_moves_current(store, checkout, into) -> None:
    checkout.release_head(2, [1, 9])
    checkout.publish(2, store)
    checkout.fetch(1, into, store)
    with serve_store(store) as http:
        checkout.fetch(2, into, http.url)
        fetched = {path.rpartition("/")[2] for path, _ in http.blob_requests()}
    assert fetched == checkout.manifest(2).blobs().keys() - checkout.manifest(1).blobs().keys()
    assert is_release(into, checkout, 1)
    assert is_release(into, checkout, 2)
    assert os.readlink(into / "current") == "2"
    checkout.fetch(1, into, store)
    assert os.readlink(into / "current") == "1"


def test_keep_current_leaves_the_link_alone(store, checkout, into) -> None:
    checkout.fetch(1, into, store, keep_current=True)
    assert not (into / "current").is_symlink()


def test_a_store_that_dies_is_told_in_one_sentence_and_the_next_run_goes_on_by_range(store, checkout, into) -> None:
    total = sum(checkout.manifest(1).blobs().values())
    with serve_store(store) as http:
        http.dies_after_bytes = total // 2
        with pytest.raises(StoreUnavailable, match=r"stopped answering after .* run the same command again") as died:
            checkout.fetch(1, into, http.url)
        assert "\n" not in str(died.value)
        assert not (into / "1").exists()
        assert not (into / "current").is_symlink()
        kept = sum(entry.stat().st_size for entry in (into / ".fetching").iterdir() if entry.is_file())
        assert kept > total // 4
        http.dies_after_bytes = None
        http.requests.clear()
        checkout.fetch(1, into, http.url)
        starts = [asked for _, asked in http.blob_requests()]
    assert is_release(into, checkout, 1)
    assert len(starts) < total / 100 * 0.8, "it began again from the start"
    assert any(not asked.startswith("bytes=0-") for asked in starts if asked)


def test_a_store_that_recovers_by_itself_costs_nothing_but_time(store, checkout, into) -> None:
    with serve_store(store) as http:
        answers = iter(range(10**6))
        handler_class: Any = http.RequestHandlerClass
        original = handler_class.do_GET

        def every_third_fails(handler):
            if "/blobs/" in handler.path and next(answers) % 3 == 0:
                handler.close_connection = True
                return
            original(handler)

        http.RequestHandlerClass = type("Flaky", (handler_class,), {"do_GET": every_third_fails})
        checkout.fetch(1, into, http.url)
    assert is_release(into, checkout, 1)


def test_nobody_at_the_address_is_one_sentence(checkout, store, into) -> None:
    with serve_store(store) as http:
        url = http.url
    with pytest.raises(StoreUnavailable, match=f"{url}: could not read releases/1.json: ") as refused:
        checkout.fetch(1, into, url)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("change", ["one bit", "shorter", "longer"])
def test_corrupt_weights_are_refused_and_nothing_is_changed(change, store, checkout, into) -> None:
    good = (checkout.root / "backbone" / "1" / "model.onnx").read_bytes()
    bad = {"one bit": bytes([good[0] ^ 1]) + good[1:], "shorter": good[:-1], "longer": good + b"x"}[change]
    replace_blob(store, checkout, "backbone/1/model.onnx", bad, rename=False)
    if change == "longer":  # the first bytes are right: what follows them is never asked for
        checkout.fetch(1, into, store)
        assert is_release(into, checkout, 1)
        return
    said = {"one bit": "is corrupt: its bytes have sha256 [0-9a-f]{64}", "shorter": "the store ended after"}[change]
    with pytest.raises((BlobCorrupt, StoreUnavailable), match=said):
        checkout.fetch(1, into, store)
    assert not (into / "1").exists()
    assert not (into / "current").is_symlink()
    (store / blob_name(hashlib.sha256(good).hexdigest())).write_bytes(good)
    checkout.fetch(1, into, store)
    assert is_release(into, checkout, 1)


def test_a_wrong_hash_in_the_manifest_is_refused(store, checkout, into) -> None:
    manifest = store / "releases" / "1.json"
    sha256 = next(file.sha256 for file in checkout.manifest(1).files() if file.path == "backbone/1/model.onnx")
    manifest.write_text(manifest.read_text().replace(sha256, "0" * 64))
    with pytest.raises(StoreUnavailable, match=f"lacks blob {'0' * 64}, which the release names"):
        checkout.fetch(1, into, store)
    (store / blob_name("0" * 64)).parent.mkdir(parents=True)
    (store / blob_name("0" * 64)).write_bytes((checkout.root / "backbone" / "1" / "model.onnx").read_bytes())
    with pytest.raises(BlobCorrupt, match=f"its bytes have sha256 {sha256}"):
        checkout.fetch(1, into, store)
    assert not (into / "1").exists()


def test_a_missing_tensor_is_refused_before_the_release_can_be_seen(store, checkout, into) -> None:
    graph = onnx.load(checkout.root / "head_a" / "1" / "model.onnx")
    del graph.graph.output[0]
    replace_blob(store, checkout, "head_a/1/model.onnx", graph.SerializeToString(), rename=True)
    with pytest.raises(Refused) as refused:
        checkout.fetch(1, into, store)
    assert [(problem.rule, problem.tensor) for problem in refused.value.problems] == [("onnx-name-mismatch", "scores")]
    assert not (into / "1").exists()


def test_an_unknown_class_in_the_manifest_is_refused(store, checkout, into) -> None:
    graph = onnx.load(checkout.root / "head_a" / "1" / "model.onnx")
    graph.metadata_props[0].value = "[77]"
    replace_blob(store, checkout, "head_a/1/model.onnx", graph.SerializeToString(), rename=True)
    with pytest.raises(ManifestMalformed, match=r"head_a/1 answers class ids \[1\], its graph says \[77\]"):
        checkout.fetch(1, into, store)
    manifest = store / "releases" / "1.json"
    manifest.write_text(manifest.read_text().replace('"1": [1]', '"1": [77]', 1))
    with pytest.raises(ManifestMalformed, match=r"head_a answers class ids \[77\] that the taxonomy of toy"):
        checkout.fetch(1, into, store)
    assert not (into / "1").exists()


def test_a_damaged_release_is_built_again(store, checkout, into) -> None:
    checkout.fetch(1, into, store)
    (into / "1" / "backbone" / "1" / "model.onnx").write_bytes(b"damaged")
    checkout.fetch(1, into, store)
    assert is_release(into, checkout, 1)
    assert sorted(entry.name for entry in into.iterdir()) == [".fetching", "1", "current"]


def test_an_unknown_release_lists_those_there_are(store, checkout, into) -> None:
    with pytest.raises(ReleaseUnknown, match=r"has no release 4\. It has: 1\."):
        checkout.fetch(4, into, store)
    with pytest.raises(ReleaseUnknown, match=r"there is no release 4 in .*\. It has: 1\."):
        checkout.fetch(4, into)


def test_a_checkout_that_has_gone_on_is_refused_with_the_way_out(store, checkout, into) -> None:
    edit(checkout.root, "head_a", "count: 1", "count: 2")
    with pytest.raises(
        ReleaseChanged, match=r"head_a/config.pbtxt differs. Fetch the release from a store with --store"
    ):
        checkout.fetch(1, into)


def test_a_folder_called_current_is_never_replaced(store, checkout, into) -> None:
    (into / "current").mkdir(parents=True)
    with pytest.raises(ReleaseError, match="is no symbolic link"):
        checkout.fetch(1, into, store)


def test_fetches_at_the_same_time_do_the_work_once(store, checkout, into) -> None:
    with serve_store(store) as http, ThreadPoolExecutor(6) as callers:
        command = [sys.executable, "-m", "ensembles", "release", "fetch", "1", "--store", http.url, "--into", str(into)]
        ended = list(
            callers.map(lambda _: subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True), range(4))
        )
        assert [process.returncode for process in ended] == [0, 0, 0, 0], [process.stderr for process in ended]
        asked = [path for path, _ in http.blob_requests()]
    assert len(asked) == len(set(asked)), "a blob was fetched twice"
    assert is_release(into, checkout, 1)


def _run_fetch(store: Path, into: Path, **settings) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ensembles", "release", "fetch", "1", "--store", str(store), "--into", str(into)]
    return subprocess.run(command, cwd=REPO_ROOT, capture_output=True, text=True, **settings)


def test_a_full_disk_is_one_sentence(store, checkout, into) -> None:
    """A real, tiny file system."""
    into.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(into)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    try:
        ended = _run_fetch(store, into)
        assert ended.returncode == 1
        assert "has no room" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        assert not (into / "1").exists()
        assert [path for path in into.rglob("*.part")] == []
    finally:
        subprocess.run(["umount", str(into)], check=True)


def test_a_disk_that_fills_while_bytes_come_is_one_sentence(store, checkout, into) -> None:
    """The kernel refuses files above a limit, after the look at the free space."""
    ended = _run_fetch(
        store, into, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
    )
    assert ended.returncode == 1
    assert "has no room" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert not (into / "1").exists()
    assert _run_fetch(store, into).returncode == 0
    assert is_release(into, checkout, 1)


def test_no_space_is_refused_before_the_first_byte(store, checkout, into, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with serve_store(store) as http:
        with pytest.raises(DiskFull, match="10 are free"):
            checkout.fetch(1, into, http.url)
        assert http.blob_requests() == []
