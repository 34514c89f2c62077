"""A model repository with many heads on the served backbone: the first served head, and slim ones beside it.

    python -m training.studies.many_heads --heads 8 --into out/many_heads/8

For measuring what a head costs. The slim heads have random weights: like a real head on most photos, they find nothing.
`served_models.json` beside the repository pins what it holds, for `python -m ensembles render --served-models`.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from training.atomic_file import write_atomically
from training.data.roots import REPOSITORY_ROOT
from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.export.detector_graphs import export_head
from training.export.label_propagation import export_label_propagation
from training.export.served_taxonomy import served_taxonomy
from training.publish.model_configs import configure_new_head, connect_head
from training.publish.served_models import SHARED, ServedModels, read_served_models, write_served_models
from training.taxonomy import load_taxonomy

SLIM_TOWER_DEPTH = 1
SLIM_TOWER_CHANNELS = 64
"""A quarter of the full towers' work: half the depth, half the width."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the repository."""
    parser = argparse.ArgumentParser(prog="python -m training.studies.many_heads", description=__doc__)
    parser.add_argument("--heads", type=int, required=True, help="the first served head and so many less one slim ones")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument("--tower-depth", type=int, default=SLIM_TOWER_DEPTH)
    parser.add_argument("--tower-channels", type=int, default=SLIM_TOWER_CHANNELS)
    arguments = parser.parse_args(argv)
    if arguments.heads < 1 or arguments.into.exists():
        parser.error(f"--heads must be 1 or more, got {arguments.heads}; --into must not exist: {arguments.into}")
    many_heads(
        arguments.into,
        heads=arguments.heads,
        tower_depth=arguments.tower_depth,
        tower_channels=arguments.tower_channels,
    )
    print(f"wrote {arguments.into}: model_repository and served_models.json")
    return 0


def many_heads(folder: Path, *, heads: int, tower_depth: int, tower_channels: int) -> None:
    """Write `folder`/model_repository and `folder`/served_models.json; see the module."""
    served, taxonomy = read_served_models(), load_taxonomy()
    first, *others = served.heads
    repository = folder / "model_repository"
    # What `detect` needs and nothing else: no other ensemble could be loaded without the heads that are left out.
    for model in (*SHARED, *served.heads):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY_ROOT / "model_repository" / model, repository / model, ignore=ignored)
    propagation = repository / "label_propagation"
    names = [first, *(f"head_slim_{k}" for k in range(1, heads))]
    torch.manual_seed(0)
    class_ids = [category.id for category in taxonomy][-heads:]
    for previous, name, class_id in zip(names, names[1:], class_ids, strict=False):
        # As publishing does: the newest head's config has no timeout of its own, which only one head may have.
        configure_new_head(repository, name, like=list(served.heads)[-1])
        connect_head(propagation / "config.pbtxt", name, after=previous)
        head = FCOSHead(
            in_channels=SharedBackbone.out_channels,
            num_classes=1,
            tower_depth=tower_depth,
            tower_channels=tower_channels,
        )
        export_head(head.eval(), [class_id], repository / name / "1" / "model.onnx")
    text = (propagation / "config.pbtxt").read_text(encoding="utf-8")
    for other in others:
        shutil.rmtree(repository / other)
        text = re.sub(rf'^.*"{re.escape(other)}_.*\n', "", text, flags=re.MULTILINE)
    write_atomically(propagation / "config.pbtxt", text.encode())
    version = served.shared["label_propagation"]
    pins = {first: served.heads[first]} | dict.fromkeys(names[1:], 1)
    graphs = {name: repository / name / str(pin) / "model.onnx" for name, pin in pins.items()}
    export_label_propagation(propagation / str(version), served_taxonomy(taxonomy, graphs), names)
    shared = {model: served.shared[model] for model in SHARED}
    write_served_models(ServedModels(shared=shared, heads=pins), folder / "served_models.json")


if __name__ == "__main__":
    sys.exit(main())
