"""Checkpoints: whole or refused, and a full disk costs nothing that was saved before."""

import os
import subprocess
import sys

import pytest
import torch

from training.engine.checkpoint import load_checkpoint, load_newest, save_checkpoint
from training.engine.errors import CheckpointError


def state(step):
    return {"step": step, "weights": torch.full((1000,), float(step))}


def save(folder, step):
    save_checkpoint(folder / "last.pt", state(step), keep_as=folder / "previous.pt")


def test_the_last_and_the_one_before_are_kept(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 3
    assert load_checkpoint(tmp_path / "previous.pt")["step"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.pt", "previous.pt"]


def test_a_folder_without_checkpoints_has_no_newest(tmp_path):
    assert load_newest(tmp_path) is None
    assert load_newest(tmp_path / "absent") is None


@pytest.mark.parametrize("kept_bytes", [0, 1, 100, 3000])
def test_a_file_cut_anywhere_is_refused_by_name(tmp_path, kept_bytes):
    save(tmp_path, 1)
    path = tmp_path / "last.pt"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(CheckpointError, match=str(path)):
        load_checkpoint(path)


def test_a_changed_weight_is_noticed(tmp_path):
    save(tmp_path, 1)
    path = tmp_path / "last.pt"
    content = path.read_bytes()
    weights = torch.full((1000,), 1.0).numpy().tobytes()
    assert content.count(weights) == 1
    path.write_bytes(content.replace(weights, weights[:-1] + b"\x40"))
    with pytest.raises(CheckpointError, match="checksum"):
        load_checkpoint(path)


def test_a_damaged_file_never_becomes_the_previous_one(tmp_path, capsys):
    save(tmp_path, 1)
    save(tmp_path, 2)
    (tmp_path / "last.pt").write_bytes(b"not a checkpoint")
    found = load_newest(tmp_path)
    assert found is not None
    assert found[1]["step"] == 1
    assert capsys.readouterr().out.count("\n") == 1
    save(tmp_path, 3)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 3
    assert load_checkpoint(tmp_path / "previous.pt")["step"] == 1


def test_a_leftover_of_a_killed_save_is_in_nobody_s_way(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "last.pt.partial").write_bytes(b"half")
    (tmp_path / "previous.pt.partial").write_bytes(b"half")
    save(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.pt", "previous.pt"]


def test_where_files_have_one_name_only_the_previous_one_is_a_copy(tmp_path, monkeypatch):
    def refuse(_source, _target):
        raise PermissionError("no links here")

    monkeypatch.setattr("training.engine.checkpoint.os.link", refuse)
    save(tmp_path, 1)
    save(tmp_path, 2)
    assert load_checkpoint(tmp_path / "previous.pt")["step"] == 1


FULL_DISK = """
import resource, sys
from pathlib import Path
import torch
from training.engine.checkpoint import save_checkpoint
from training.engine.errors import CheckpointError

folder = Path(sys.argv[1])
# The disk takes no more than this of any file: Linux answers a write beyond it with an error, as a full disk does.
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_checkpoint(folder / "last.pt", {"weights": torch.zeros(1_000_000)}, keep_as=folder / "previous.pt")
except CheckpointError as error:
    print(error)
"""


def test_a_disk_without_room_is_one_clear_error_and_the_old_checkpoint_stays(tmp_path, repo_root):
    save(tmp_path, 1)
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=repo_root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert result.stdout.count("\n") == 1
    assert f"could not be saved to {tmp_path / 'last.pt'}: File too large; {tmp_path / 'last.pt'} is as it was" in (
        result.stdout
    )
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_full_disk_is_called_that(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    save(tmp_path, 1)
    monkeypatch.setattr("training.engine.checkpoint.os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device \\(the disk is full\\)"):
        save(tmp_path, 2)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == 1
