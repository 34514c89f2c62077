"""`python -m training import NAME`: a published detector as a run folder, for `export run` and as `backbone_from`.

python -m training import fcos_resnet50_fpn_coco
python -m training import fcos_resnet50_fpn_coco --state-dict fcos_resnet50_fpn_coco-99b0c9b7.pth
"""

import argparse
from pathlib import Path

from training.atomic_file import write_atomically
from training.data.roots import REPOSITORY_ROOT

NAMES = ("fcos_resnet50_fpn_coco", "retinanet_resnet50_fpn_coco")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument(
        "--state-dict", type=Path, metavar="FILE", help="weights on this machine, laid out the same; else downloaded"
    )
    parser.add_argument("--run-folder", type=Path, metavar="DIR", help="default: runs/NAME")


def run(arguments: argparse.Namespace) -> int:
    """Import; torch is imported only here, since it takes seconds."""
    from training.engine.checkpoint import save_checkpoint
    from training.imports.errors import ImportFailed
    from training.imports.published_detectors import PUBLISHED
    from training.imports.torchvision_weights import detector_from_torchvision, download, read_state_dict

    published = PUBLISHED[arguments.name]
    run_folder: Path = arguments.run_folder or REPOSITORY_ROOT / "runs" / arguments.name
    if (run_folder / "last.pt").exists():
        raise ImportFailed(f"{run_folder} holds a run already: delete it, or name another --run-folder")
    state = read_state_dict(arguments.state_dict) if arguments.state_dict else download(published)
    weights = detector_from_torchvision(published, state).state_dict()
    recipe = published.recipe.as_yaml()
    # The weights last: a folder with last.pt is whole.
    run_folder.mkdir(parents=True, exist_ok=True)
    write_atomically(run_folder / "recipe.yaml", recipe.encode())
    save_checkpoint(run_folder / "last.pt", {"epoch": 0, "recipe": recipe, "detector": weights, "averaged": weights})
    print(
        f"imported {len(published.labels)} classes into {run_folder}. Next: python -m training export run {run_folder}"
    )
    return 0
