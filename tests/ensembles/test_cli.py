import subprocess
import sys
from pathlib import Path

import pytest

from ensembles import cli
from tests.ensembles.toy_repository import TOY, edit


@pytest.fixture(autouse=True)
def _toy_is_the_only_wiring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "all_ensembles", lambda: [TOY])


def test_check_of_a_good_repository_exits_0(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--model-repository", str(toy)]) == 0
    assert capsys.readouterr().out == "all well: models: 6, of them ensembles: 1; targets: default\n"


def test_check_of_a_broken_repository_exits_1_and_lists_all(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(toy, "backbone", "max_batch_size", "max_batchsize")
    (toy / "head_a" / "1" / "model.onnx").unlink()
    assert cli.main(["check", "--model-repository", str(toy)]) == 1
    out = capsys.readouterr().out
    assert "model backbone  [config-unreadable]" in out
    assert 'no field named "max_batchsize"' in out
    assert "model head_a  [model-file-missing]" in out
    assert out.endswith("2 problems in 2 files\n")


def test_piped_output_is_plain_and_unwrapped(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(toy, "toy", '"friend"', '"[bold]foe[/bold] ' + "x" * 200 + '"')
    assert cli.main(["check", "--model-repository", str(toy)]) == 1
    out = capsys.readouterr().out
    assert "\x1b[" not in out
    assert "[bold]foe[/bold] " + "x" * 200 in out


def test_render_says_what_it_wrote(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(toy, "toy", '"friend"', '"foe"')
    assert cli.main(["render", "--model-repository", str(toy)]) == 0
    assert f"rendered {toy / 'toy' / 'config.pbtxt'}\n" in capsys.readouterr().out
    assert cli.main(["check", "--model-repository", str(toy)]) == 0


def test_render_of_a_broken_repository_exits_1(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (toy / "label_propagation" / "1" / "taxonomy.json").unlink()
    assert cli.main(["render", "--model-repository", str(toy)]) == 1
    assert "taxonomy-unreadable" in capsys.readouterr().out


def test_missing_repository_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--model-repository", str(tmp_path / "absent")]) == 1
    assert "is not a folder" in capsys.readouterr().err


def test_pool_options_reach_the_check(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(toy, "backbone", "KIND_CPU", "KIND_GPU")
    arguments = ["check", "--model-repository", str(toy), "--images-in-flight", "1000"]
    assert cli.main([*arguments, "--cuda-pool-bytes", "1536000"]) == 0
    assert cli.main([*arguments, "--cuda-pool-bytes", "1535999"]) == 1
    assert "--cuda-memory-pool-byte-size=<gpu>:1536000" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["rendr"], ["check", "--images-in-flight", "many"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 2


def test_module_runs_and_explains_itself(repo_root: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "ensembles", "--help"],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "render" in shown.stdout
    assert "exit codes: 0 all well, 1 refused" in shown.stdout
