import shutil
from pathlib import Path

from tests.ensembles.conftest import FindBroken
from tests.ensembles.toy_repository import edit


def test_name_other_than_the_folder_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "backbone", 'name: "backbone"', 'name: "spine"')
    (problem,) = broken()
    assert problem.rule == "name-not-folder"
    assert problem.file == toy / "backbone" / "config.pbtxt"


def test_model_without_backend_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "preprocess", 'backend: "python"', "")
    assert "backend-missing" in [problem.rule for problem in broken()]


def test_folder_without_config_is_refused_since_triton_takes_it_as_a_model(toy: Path, broken: FindBroken) -> None:
    (toy / "__pycache__").mkdir()
    (problem,) = broken()
    assert (problem.rule, problem.model) == ("config-missing", "__pycache__")


def test_ensemble_without_version_folder_is_refused(toy: Path, broken: FindBroken) -> None:
    shutil.rmtree(toy / "toy" / "1")
    (problem,) = broken()
    assert (problem.rule, problem.file) == ("version-folder-missing", toy / "toy" / "1")


def test_version_folder_with_leading_zero_does_not_count(toy: Path, broken: FindBroken) -> None:
    (toy / "preprocess" / "1").rename(toy / "preprocess" / "01")
    assert [problem.rule for problem in broken()] == ["version-folder-missing", "version-missing"]


def test_missing_model_file_is_refused(toy: Path, broken: FindBroken) -> None:
    (toy / "head_a" / "1" / "model.onnx").unlink()
    (problem,) = broken()
    assert (problem.rule, problem.file) == ("model-file-missing", toy / "head_a" / "1" / "model.onnx")


def test_default_model_filename_is_honoured(toy: Path, broken: FindBroken) -> None:
    (toy / "head_a" / "1" / "model.onnx").rename(toy / "head_a" / "1" / "slim.onnx")
    edit(toy, "head_a", "max_batch_size", 'default_model_filename: "slim.onnx"\nmax_batch_size')
    assert broken() == []


def test_policy_that_serves_no_version_is_refused(toy: Path, broken: FindBroken) -> None:
    edit(toy, "preprocess", "max_batch_size", "version_policy { specific { versions: [ 7 ] } }\nmax_batch_size")
    assert [problem.rule for problem in broken()] == ["version-policy-serves-none", "version-not-served"]
