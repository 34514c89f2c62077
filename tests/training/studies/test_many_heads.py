"""The repository with many heads is one that can be wired and served."""

import json
import subprocess
import sys

import pytest

from training.data.roots import REPOSITORY_ROOT
from training.studies.many_heads import main


def test_slim_heads_stand_beside_the_first_one_and_the_ensemble_renders_over_them(tmp_path):
    folder = tmp_path / "three"
    assert main(["--heads", "3", "--into", str(folder)]) == 0
    pins = json.loads((folder / "served_models.json").read_text())
    assert list(pins["heads"]) == ["head_generic", "head_slim_1", "head_slim_2"]
    repository = folder / "model_repository"
    sizes = {name: (repository / name / "1" / "model.onnx").stat().st_size for name in pins["heads"]}
    assert sizes["head_slim_1"] < 0.5 * sizes["head_generic"]
    arguments = ["--model-repository", str(repository), "--served-models", str(folder / "served_models.json")]
    command = [sys.executable, "-m", "ensembles", "render", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rendered = (repository / "detect" / "config.pbtxt").read_text()
    assert all(f'model_name: "{name}"' in rendered for name in pins["heads"])
    needed = {"preprocess", "backbone", "label_propagation", "detect", *pins["heads"]}
    assert {path.name for path in repository.iterdir()} == needed == {"detect", *pins["shared"], *pins["heads"]}
    assert "head_electronics" not in rendered + (repository / "label_propagation" / "config.pbtxt").read_text()


@pytest.mark.parametrize("heads", ["0", "-1"])
def test_no_head_is_refused(tmp_path, heads, capsys):
    with pytest.raises(SystemExit):
        main(["--heads", heads, "--into", str(tmp_path / "x")])
    assert "--heads must be 1 or more" in capsys.readouterr().err
