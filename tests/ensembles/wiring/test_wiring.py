from pathlib import Path

import pytest

from ensembles import wiring
from ensembles.errors import WiringMalformed
from ensembles.graph import Ensemble


def test_every_file_is_found() -> None:
    assert "detect" in [ensemble.name for ensemble in wiring.all_ensembles()]


@pytest.mark.parametrize("ensemble", wiring.all_ensembles(), ids=lambda ensemble: ensemble.name)
def test_wiring_lies_in_the_file_of_its_name(ensemble: Ensemble, repo_root: Path) -> None:
    assert (repo_root / wiring.wiring_file(ensemble)).is_file()


@pytest.mark.parametrize("source", ["", "ENSEMBLE = 3", "from ensembles.wiring.detect import ENSEMBLE as ENSEMBLE"])
def test_file_that_is_no_wiring_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    stray = f"stray_{tmp_path.name}"
    (tmp_path / f"{stray}.py").write_text(source)
    monkeypatch.setattr(wiring, "__path__", [str(tmp_path)])
    with pytest.raises(WiringMalformed, match=stray):
        wiring.all_ensembles()
