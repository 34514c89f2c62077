"""What `python -m ensembles release activate` and `... rollback` do."""

from __future__ import annotations

import argparse
import time

from rich.console import Console

from ensembles.errors import ActivationFailed
from ensembles.release_commands import open_release
from ensembles.releases.disk import exclusive
from ensembles.releases.download import BlobSource
from ensembles.releases.fetching import fetch
from ensembles.releases.manifest import Manifest
from ensembles.releases.transfer_progress import TransferProgress
from ensembles.rollout.activation import activate
from ensembles.rollout.folder import RolloutFolder
from ensembles.rollout.opening import open_control
from ensembles.rollout.triton_control import TritonControl


def activate_release(options: argparse.Namespace, console: Console) -> int:
    """Bring a server to the release that was named."""
    folder = _opened(options)
    with exclusive(folder.lock):
        _bring_to(options.number, folder, options, console)
    return 0


def rollback_release(options: argparse.Namespace, console: Console) -> int:
    """Bring a server back to the release before the active one."""
    folder = _opened(options)
    with exclusive(folder.lock):
        active = folder.active()
        if active is None or active.previous is None:
            raise ActivationFailed(
                f"{folder.path} knows no release before "
                f"{'the first' if active is None else active.release}. Name one: release activate N"
            )
        _bring_to(active.previous, folder, options, console)
    return 0


def _opened(options: argparse.Namespace) -> RolloutFolder:
    folder = RolloutFolder(options.repository)
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder


def _bring_to(number: int, folder: RolloutFolder, options: argparse.Namespace, console: Console) -> None:
    def tell(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    started = time.monotonic()
    folder.prepare()
    server: TritonControl | None = None
    if options.url is not None:
        server = open_control(options.url, headers=_headers(options.header), load_timeout_s=options.load_timeout_s)
    manifest = _fetched(number, folder, options)
    activate(manifest, folder, server, tell, drain_timeout_s=options.drain_timeout_s)
    tell(f"release {number} is active, after {time.monotonic() - started:.1f} s")


def _fetched(number: int, folder: RolloutFolder, options: argparse.Namespace) -> Manifest:
    """The release in the folder: as it lies there, else from the store or the checkout."""
    here = folder.fetched_manifest(number)
    source: BlobSource
    if here is not None and options.store is None:
        # It came from somewhere that may not be at hand any more: a rollback must not need it.
        manifest, source = here, _Nowhere()
    else:
        options.number = number
        manifest, source = open_release(options)
    with TransferProgress(f"fetching release {number}") as progress:
        fetch(manifest, source, folder.releases, progress, keep_current=True)
    return manifest


class _Nowhere:
    """The source of a release that lies here already; asked only where it was damaged."""

    url = "this folder"

    def read_blob(self, sha256: str, start: int, end: int) -> bytes:
        raise FileNotFoundError(sha256)


def _headers(pairs: list[str]) -> dict[str, str]:
    headers = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not name or not separator:
            raise ActivationFailed(f"--header must be NAME=VALUE, got {pair!r}")
        headers[name] = value
    return headers
