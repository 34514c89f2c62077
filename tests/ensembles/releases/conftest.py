from pathlib import Path

import pytest

from ensembles import wiring
from tests.ensembles.releases.toy_checkout import ToyCheckout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyCheckout:
    """A toy checkout without releases; the commands see its wirings only."""
    toy = ToyCheckout.make(tmp_path / "checkout")
    monkeypatch.setattr(wiring, "all_ensembles", lambda: list(toy.wirings))
    return toy
