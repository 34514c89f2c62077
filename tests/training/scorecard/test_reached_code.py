import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.scorecard.reached_code import ReachedCode

FILES = {
    "training/__init__.py": "",
    "training/scorecard/__init__.py": "",
    "training/scorecard/job_of_heads.py": (
        "import json\nimport training.engine.loop\n\ndef job():\n    from training.data import photos\n"
    ),
    "training/engine/__init__.py": "from training.engine import seeds\n",
    "training/engine/seeds.py": "",
    "training/engine/loop.py": "from training.taxonomy import load_tree\n",
    "training/data/__init__.py": "",
    "training/data/photos.py": "from . import crops\n",
    "training/data/crops.py": "from .photos import open_photo\n",  # imports may go in circles
    "training/data/unused.py": "",
    "training/taxonomy/__init__.py": "from training.taxonomy.load import load_tree\n",
    "training/taxonomy/load.py": "",
    "training/taxonomy/taxonomy.yaml": "cat",
    "training/taxonomy/mappings/coco.yaml": "cat",
    "training/embedder/__init__.py": "",
    "training/embedder/losses.py": "import training.engine.loop\n",
    "training/embedder/centres.npz": "",
}
FUNCTION = "training.scorecard.job_of_heads:job"


@pytest.fixture
def checkout(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def changes(checkout: Path, name: str) -> bool:
    before = ReachedCode(checkout).sha256(FUNCTION)
    (checkout / name).write_text((checkout / name).read_text() + "\n# changed\n")
    return ReachedCode(checkout).sha256(FUNCTION) != before


@pytest.mark.parametrize(
    "name",
    [
        "training/scorecard/job_of_heads.py",
        "training/engine/loop.py",
        "training/data/photos.py",  # imported inside the function
        "training/data/crops.py",  # by a relative import
        "training/__init__.py",
        "training/engine/seeds.py",  # by a package's __init__
        "training/taxonomy/taxonomy.yaml",
        "training/taxonomy/mappings/coco.yaml",
    ],
)
def test_what_a_job_reaches_changes_its_key(checkout, name) -> None:
    assert changes(checkout, name)


@pytest.mark.parametrize(
    "name", ["training/embedder/losses.py", "training/embedder/centres.npz", "training/data/unused.py"]
)
def test_what_it_does_not_reach_leaves_its_result_valid(checkout, name) -> None:
    assert not changes(checkout, name)


def test_a_new_data_file_or_a_module_in_place_of_a_package_changes_the_key(checkout) -> None:
    code = ReachedCode(checkout).sha256(FUNCTION)
    (checkout / "training/taxonomy/mappings/fruit.yaml").write_text("apple")
    with_mapping = ReachedCode(checkout).sha256(FUNCTION)
    (checkout / "training/data/crops").mkdir()
    (checkout / "training/data/crops.py").rename(checkout / "training/data/crops/__init__.py")
    assert len({code, with_mapping, ReachedCode(checkout).sha256(FUNCTION)}) == 3


def test_a_job_of_no_module_is_refused_by_name(checkout) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"training\.nowhere"):
        ReachedCode(checkout).files_of("training.nowhere:job")


def test_everything_that_python_really_loads_for_a_module_is_reached(repo_root: Path) -> None:
    module = "training.evaluation.openimages_protocol"  # without torch, which would take seconds
    program = (
        f"import sys, json, {module}\n"
        "print(json.dumps([m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'training']))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=repo_root, capture_output=True, check=True, text=True)

    assert {Path(path) for path in json.loads(loaded.stdout)} <= set(ReachedCode(repo_root).files_of(f"{module}:judge"))


def test_the_heads_jobs_reach_the_taxonomy_and_nothing_of_the_embedder(repo_root: Path) -> None:
    reached = ReachedCode(repo_root).files_of("training.scorecard.train_arm:train_arm")

    assert repo_root / "training" / "taxonomy" / "taxonomy.yaml" in reached
    assert repo_root / "training" / "detector" / "fcos_head.py" in reached
    assert not any("embedder" in path.parts for path in reached)
