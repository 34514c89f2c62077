"""From `--release` to the folder that Triton mounts."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from serving.errors import ModelRepositoryError

CHECKOUT = Path(__file__).parent.parent
DEMO = "demo"
"""The release that is this checkout: its model repository, as it stands."""
FETCHED_RELEASES = CHECKOUT / "out" / "releases"
"""Numbered releases, each fetched once; they never change."""


def parse_release(text: str) -> str:
    """Accept `demo` or the number of a release, for argparse."""
    if text == DEMO or (text.isdecimal() and not text.startswith("0")):
        return text
    raise argparse.ArgumentTypeError(f"a release is {DEMO!r} (this checkout) or a number from 1, got {text!r}")


def repository_of_release(release: str, store: str | None, into: Path = FETCHED_RELEASES) -> Path:
    """The model repository of a release.

    Args:
        release: `demo` or a number.
        store: where numbered releases are published; None takes the files from this checkout.
        into: where numbered releases are kept.

    Returns:
        A complete model repository.

    Raises:
        ModelRepositoryError: the release cannot be had; the reason stands on standard error.
    """
    if release == DEMO:
        return CHECKOUT / "model_repository"
    # Another program, not an import: releases are the business of `ensembles`, and the two meet in files only.
    command = [sys.executable, "-m", "ensembles", "release", "fetch", release, "--into", str(into), "--keep-current"]
    if store is not None:
        command += ["--store", store]
    fetching = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if fetching.returncode != 0:
        listed = fetching.stdout.strip()  # problems of models are a list on standard output
        raise ModelRepositoryError(
            f"release {release} could not be fetched; the reason stands above." + (f"\n{listed}" if listed else "")
        )
    return into / release


def models_of_rollout(folder: Path) -> Path:
    """What a server of a rollout folder mounts.

    Raises:
        ModelRepositoryError: no release was made active there.
    """
    if not (folder / "active.json").is_file():
        raise ModelRepositoryError(
            f"{folder} has no active release. Make one active first: "
            f"python -m ensembles release activate N --repository {folder}"
        )
    return folder / "models"
