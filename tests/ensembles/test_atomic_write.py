import os
from pathlib import Path

import pytest

from ensembles.atomic_write import write_atomically


def test_replaces_the_text_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text("old")
    write_atomically(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert os.listdir(tmp_path) == ["config.pbtxt"]


def test_result_is_readable_by_the_servers_user(tmp_path: Path) -> None:
    write_atomically(tmp_path / "config.pbtxt", "new")
    assert (tmp_path / "config.pbtxt").stat().st_mode & 0o777 == 0o644


def test_failure_keeps_the_old_text(tmp_path: Path) -> None:
    path = tmp_path / "config.pbtxt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["config.pbtxt"]
