"""A toy checkout: a model repository, its releases, and the command line on both."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from ensembles.graph import Ensemble
from ensembles.release_commands import fetch_release, new, publish_release
from ensembles.releases.checkout import build_candidate
from ensembles.releases.committed import read_committed
from ensembles.releases.manifest import Manifest
from ensembles.render_command import render_all
from tests.ensembles.toy_repository import TOY, write_head, write_toy_repository

QUIET = Console(quiet=True)


@dataclass
class ToyCheckout:
    """The toy repository of the checks, with releases."""

    folder: Path
    wirings: list[Ensemble]

    @classmethod
    def make(cls, folder: Path) -> "ToyCheckout":
        write_toy_repository(folder / "model_repository")
        return cls(folder, [TOY])

    @property
    def root(self) -> Path:
        return self.folder / "model_repository"

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    def options(self, **settings) -> argparse.Namespace:
        defaults = {"releases": self.releases, "model_repository": self.root, "notes": "", "amend": False}
        defaults |= {"store": None, "number": None, "strict": False, "keep_current": False}
        return argparse.Namespace(**{**defaults, **settings})

    def new(self, **settings) -> Manifest:
        new(self.options(**settings), QUIET)
        return self.manifest(max(int(path.stem) for path in self.releases.glob("*.json")))

    def publish(self, number: int, store: object) -> None:
        publish_release(self.options(number=number, store=str(store)), QUIET)

    def fetch(self, number: int, into: Path, store: object = None, **settings) -> None:
        where = None if store is None else str(store)
        fetch_release(self.options(number=number, store=where, into=into, **settings), QUIET)

    def manifest(self, number: int) -> Manifest:
        return read_committed(self.releases, number)

    def candidate(self, number: int):
        return build_candidate(self.root, self.wirings, number=number)

    def release_head(self, version: int, class_ids: list[int]) -> Manifest:
        """Put another head into `head_a/<version>`, pin it, and release it."""
        (self.root / "head_a" / str(version)).mkdir()
        source = self.root / "head_a" / "1" / "model.onnx"
        original = source.read_bytes()
        write_head(self.root, "head_a", class_ids)
        source.replace(self.root / "head_a" / str(version) / "model.onnx")
        source.write_bytes(original)
        self.pin("head_a", version)
        return self.new()

    def pin(self, model: str, version: int) -> None:
        steps = tuple(replace(step, version=version) if step.model == model else step for step in self.wirings[0].steps)
        self.wirings[0] = replace(self.wirings[0], steps=steps)
        render_all(self.root, self.wirings)
