from pathlib import Path

from tests.ensembles.conftest import FindBroken


def test_a_target_with_other_tensors_is_refused_and_an_equal_one_is_not(toy: Path, broken: FindBroken) -> None:
    """Whatever the backend."""
    original = toy / "preprocess" / "config.pbtxt"
    target = toy / "preprocess" / "configs" / "large-images.pbtxt"
    target.parent.mkdir()
    target.write_text(original.read_text())
    assert broken() == []
    assert "dims: [ 2 ]" in original.read_text()
    target.write_text(original.read_text().replace("dims: [ 2 ]", "dims: [ 3 ]"))
    (problem,) = [problem for problem in broken() if problem.rule == "target-tensor-differs"]
    assert (problem.model, problem.tensor, problem.file) == ("preprocess", "image_size", target)
    assert "config.pbtxt has it" in problem.expected
