"""Kill a command with SIGKILL before each change it makes to the disk, one after the other.

    python -m tests.ensembles.releases.crash_points ROOT SCENARIO

Every change is seen from outside the code under test: Python reports what it opens for writing, renames, links, makes
and removes (audit events), and `os.fsync` tells where written bytes become whole; there the process is also killed with
half of the file cut off. For each point a child is forked, which runs the command until it is killed; then the
scenario's promise is checked, the command runs again in another child, and its result is checked.
"""

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ensembles import wiring
from ensembles.errors import EnsemblesError
from ensembles.release_commands import gc
from ensembles.releases import download
from ensembles.releases.fetching import MANIFEST_COPY
from ensembles.releases.manifest_reader import parse_manifest
from ensembles.releases.store import Store
from ensembles.releases.verification import has_its_files
from tests.ensembles.releases.toy_checkout import QUIET, ToyCheckout

_CHANGES = {"os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"}


@dataclass(frozen=True)
class Scenario:
    """A command, from a state in which an older release exists already."""

    prepare: Callable[[ToyCheckout, Path], None]
    run: Callable[[ToyCheckout, Path], None]
    promise: Callable[[ToyCheckout, Path], None]
    """Holds at any moment."""
    result: Callable[[ToyCheckout, Path], None]
    """Holds once the command has run through."""


def store_is_whole(checkout: ToyCheckout, root: Path) -> None:
    """Every release which the store names has every blob, byte for byte; the newest of before is among them."""
    store = Store(str(root / "store"))
    numbers = store.numbers()
    assert 2 in numbers, numbers
    for number in numbers:
        manifest = store.manifest(number)
        for sha256, size_bytes in manifest.blobs().items():
            assert len(store.read_blob(sha256, 0, size_bytes)) == size_bytes
            assert store.blob_size(sha256) == size_bytes


def folder_is_whole(checkout: ToyCheckout, root: Path) -> None:
    """Every release in the folder is complete; `current` points at one of them."""
    into = root / "into"
    assert (into / "current" / MANIFEST_COPY).is_file()
    for folder in into.iterdir():
        if folder.name.isdecimal() and not folder.is_symlink():
            manifest = parse_manifest((folder / MANIFEST_COPY).read_text(), str(folder))
            assert has_its_files(folder, manifest), folder


def releases_are_whole(checkout: ToyCheckout, root: Path) -> None:
    for path in checkout.releases.glob("[0-9]*.json"):
        parse_manifest(path.read_text(), str(path))
    assert (checkout.releases / "2.json").is_file()


def _two_releases(checkout: ToyCheckout, root: Path) -> None:
    checkout.new()
    checkout.release_head(2, [1, 9])
    checkout.publish(2, root / "store")
    checkout.fetch(2, root / "into", root / "store")


def _three_releases(checkout: ToyCheckout, root: Path) -> None:
    _two_releases(checkout, root)
    checkout.release_head(3, [1, 8])


def _three_published(checkout: ToyCheckout, root: Path) -> None:
    _three_releases(checkout, root)
    checkout.publish(3, root / "store")


def _new_head(checkout: ToyCheckout, root: Path) -> None:
    _two_releases(checkout, root)
    text = (checkout.root / "head_b" / "config.pbtxt").read_text()
    (checkout.root / "head_b" / "config.pbtxt").write_text(text.replace("count: 1", "count: 2"))


def _published(checkout: ToyCheckout, root: Path) -> None:
    store_is_whole(checkout, root)
    assert Store(str(root / "store")).numbers() == [2, 3]


def _fetched(checkout: ToyCheckout, root: Path) -> None:
    folder_is_whole(checkout, root)
    assert os.readlink(root / "into" / "current") == "3"
    assert sorted(entry.name for entry in (root / "into").iterdir()) == [".fetching", "2", "3", "current"]


def _collected(checkout: ToyCheckout, root: Path) -> None:
    store = Store(str(root / "store"))
    assert store.numbers() == [3]
    assert {file.sha256 for file in store.blob_files().values()} == store.manifest(3).blobs().keys()
    assert len(store.blob_files()) == len(store.manifest(3).blobs())


def _newest_is_whole(checkout: ToyCheckout, root: Path) -> None:
    store = Store(str(root / "store"))
    assert 3 in store.numbers()
    for sha256, size_bytes in store.manifest(3).blobs().items():
        assert len(store.read_blob(sha256, 0, size_bytes)) == size_bytes


def _collect(checkout: ToyCheckout, root: Path) -> None:
    gc(checkout.options(store=str(root / "store"), keep=1, dry_run=False), QUIET)


def _release(checkout: ToyCheckout, root: Path) -> None:
    if not (checkout.releases / "3.json").exists():  # run again after it was finished, `new` refuses: nothing differs
        checkout.new()


SCENARIOS = {
    "publish": Scenario(
        _three_releases, lambda checkout, root: checkout.publish(3, root / "store"), store_is_whole, _published
    ),
    "fetch": Scenario(
        _three_published,
        lambda checkout, root: checkout.fetch(3, root / "into", root / "store"),
        folder_is_whole,
        _fetched,
    ),
    "gc": Scenario(_three_published, _collect, _newest_is_whole, _collected),
    "new": Scenario(_new_head, _release, releases_are_whole, releases_are_whole),
}


def _forked(action: Callable[[], None]) -> int:
    """Run in a child; returns its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        except EnsemblesError as error:
            print(f"refused: {error}", file=sys.stderr)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitpid(child, 0)[1]


def _die_before_change(watched: Path, point: int) -> None:
    """From here on, be killed before change number `point` below `watched`."""
    seen = 0

    def count(path: object, cut: int | None = None) -> None:
        nonlocal seen
        seen += 1
        if seen == point:
            if cut is not None:
                os.ftruncate(cut, os.fstat(cut).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event not in _CHANGES:
            return
        path = arguments[0] if event != "os.symlink" else arguments[1]
        if isinstance(path, (str, os.PathLike)) and str(path).startswith(str(watched)):
            count(path)

    fsync = os.fsync

    def watched_fsync(descriptor: int) -> None:
        place = os.readlink(f"/proc/self/fd/{descriptor}")
        if place.startswith(str(watched)):
            if os.path.isfile(place):
                count(place, cut=descriptor)
            count(place)
        fsync(descriptor)

    os.fsync = watched_fsync  # type: ignore[assignment]
    sys.addaudithook(on_event)


def kill_at_every_point(root: Path, scenario: Scenario) -> int:
    """Returns the number of points at which the command was killed."""
    start, here = root / "start", root / "here"
    checkout = ToyCheckout.make(here / "checkout")
    wiring.all_ensembles = lambda: list(checkout.wirings)
    scenario.prepare(checkout, here)
    here.rename(start)
    for point in itertools.count(1):
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(start, here, symlinks=True)

        def run_until_killed(point: int = point) -> None:
            _die_before_change(here, point)
            scenario.run(checkout, here)

        status = _forked(run_until_killed)
        scenario.promise(checkout, here)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"failed without being killed at point {point}"
            scenario.result(checkout, here)
            return point - 1
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert _forked(lambda: scenario.run(checkout, here)) == 0, f"could not go on after point {point}"
        scenario.result(checkout, here)
    raise AssertionError("the command never ends")


if __name__ == "__main__":
    download.PIECE_BYTES = 200
    print(kill_at_every_point(Path(sys.argv[1]), SCENARIOS[sys.argv[2]]))
