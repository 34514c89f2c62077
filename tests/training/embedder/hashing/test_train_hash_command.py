import numpy as np
import pytest
import torch

from tests.training.embedder.tiny_run import write_tiny_run
from training.__main__ import main
from training.embedder.hashing.catalyzer import Catalyzer
from training.embedder.hashing.hasher import load_hasher, weights_sha256
from training.embedder.hashing.sign_binarisation import SignBinarisation
from training.embedder.trained_run import TrainedRun


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_tiny_run(tmp_path_factory.mktemp("hash"))


def test_the_command_writes_a_hasher_and_says_what_hashing_costs(run_folder, capsys):
    assert main(["train-hash", str(run_folder), "--epochs", "2"]) == 0

    printed = capsys.readouterr().out
    assert "24 of 24 training crops; wrote" in printed
    assert "12 queries, P@1: float " in printed
    for kind in ("fixed", "centred", "turned", "catalyzer"):
        assert f"{kind} 0." in printed or f"{kind} 1.000" in printed
    trained = TrainedRun.open(run_folder)
    hasher = load_hasher(run_folder, dims=24, embedder_sha256=weights_sha256(trained.embedder))
    assert isinstance(hasher, Catalyzer)
    assert hasher(torch.zeros(2, 24)).shape == (2, 256)
    page = (run_folder / "hash.html").read_text()
    assert page.count("<svg") == 2
    assert 'src="http' not in page


def test_embeddings_are_computed_once_and_again_for_other_weights(run_folder, monkeypatch):
    asked: list[int] = []
    own_ask = TrainedRun.ask

    def counted(self, crops, **more):
        asked.append(len(crops))
        return own_ask(self, crops, **more)

    monkeypatch.setattr(TrainedRun, "ask", counted)
    main(["train-hash", str(run_folder), "--kind", "turned"])
    main(["train-hash", str(run_folder), "--kind", "centred"])
    assert 24 not in asked[-1:]
    assert asked.count(24) <= 1
    assert isinstance(load_hasher(run_folder, dims=24), SignBinarisation)

    with np.load(run_folder / "embeddings.npz") as stored:
        key = str(stored["key"])
    (run_folder / "embeddings.npz").write_bytes(b"torn")
    main(["train-hash", str(run_folder), "--kind", "centred"])

    with np.load(run_folder / "embeddings.npz") as stored:
        assert str(stored["key"]) == key


def test_of_many_crops_some_are_drawn(run_folder, capsys):
    assert main(["train-hash", str(run_folder), "--kind", "centred", "--max-crops", "10"]) == 0
    assert "10 of 24 training crops; wrote" in capsys.readouterr().out
    assert main(["train-hash", str(run_folder), "--max-crops", "2"]) == 1
    assert "--max-crops must be 3 or more, got 2" in capsys.readouterr().err


def test_a_folder_without_a_run_is_one_line_and_exit_1(tmp_path, capsys):
    assert main(["train-hash", str(tmp_path)]) == 1

    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_epochs_below_one_are_refused(run_folder, capsys):
    assert main(["train-hash", str(run_folder), "--epochs", "0"]) == 1
    assert "epochs must be 1 or more, got 0" in capsys.readouterr().err
