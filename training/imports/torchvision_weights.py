"""A state dict laid out as torchvision's detectors, in our backbone and head."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.ops import FrozenBatchNorm2d

from training.detector.build import build_head
from training.detector.detector import Detector
from training.detector.head import DetectionHead
from training.detector.resnet_fpn import ResNetFPN
from training.imports.errors import ImportFailed
from training.imports.published_detectors import PublishedDetector

State = Mapping[str, Tensor]


def download(published: PublishedDetector) -> State:
    """Fetch the published weights with a progress bar, check their hash, keep them in torch's cache.

    Raises:
        ImportFailed: there is no network, or what came is not what was published.
    """
    try:
        state: State = published.weights.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ImportFailed(
            f"{published.weights.url} cannot be fetched ({error}). Fetch it where there is a network, and name the "
            "file with --state-dict FILE"
        ) from error
    return state


def read_state_dict(path: Path) -> State:
    """Read a file of tensors; no code in it is run.

    Raises:
        ImportFailed: it is no file of tensors by name.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ImportFailed(f"--state-dict: {path} does not exist") from error
    except Exception as error:  # torch reports a broken file in half a dozen ways
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImportFailed(f"--state-dict: {path} is no file of torch.save: {reason}") from error
    if not (isinstance(state, dict) and state and all(isinstance(v, Tensor) for v in state.values())):
        raise ImportFailed(
            f"--state-dict: {path} must hold tensors by name, as torch.save(model.state_dict(), file) does"
        )
    return state


def detector_from_torchvision(published: PublishedDetector, state: State) -> Detector:
    """Put weights into our modules: norms folded into convolutions, and of the last layer the rows of the classes kept.

    Raises:
        ImportFailed: names or shapes are not those of the published detector.
    """
    recipe = published.recipe
    # RetinaNet's were trained with, and are published without, the small number that keeps a norm from dividing by 0;
    # a model that carries the counters of trained norms has it.
    counts_batches = any(name.endswith("num_batches_tracked") for name in state)
    eps = 1e-5 if counts_batches or recipe.detector == "fcos" else 0.0
    body = resnet50(weights=None, norm_layer=partial(FrozenBatchNorm2d, eps=eps))
    body.fc = nn.Identity()
    _load(body, _part(state, "backbone.body."), "backbone.body.")
    backbone = ResNetFPN(body=body, out_channels=recipe.pyramid_channels)
    _load(backbone.network.fpn, _part(state, "backbone.fpn."), "backbone.fpn.")
    head = build_head(recipe, in_channels=backbone.out_channels, num_classes=len(published.rows))
    _load(head, _rows_of_classes(head, _part(state, "head."), published), "head.")
    return Detector(backbone, head).eval()


def _rows_of_classes(head: DetectionHead[Any], state: State, published: PublishedDetector) -> State:
    classes = len(published.weights.meta["categories"])
    ours = {name for name, p in head.named_parameters() if _is_of(head.class_layers(), p)}
    kept = dict(state)
    for name in ours & set(state):
        if len(state[name]) % classes:
            raise ImportFailed(
                f"head.{name} has {len(state[name])} rows, which is no multiple of the {classes} classes of "
                f"{published.weights}: give weights of that many classes"
            )
        # (anchors * classes, ...) to (anchors, classes, ...)
        rows = state[name].view(-1, classes, *state[name].shape[1:])
        kept[name] = rows[:, published.rows].flatten(0, 1)
    return kept


def _is_of(layers: Sequence[nn.Module], parameter: Tensor) -> bool:
    return any(parameter is own for layer in layers for own in layer.parameters())


def _load(module: Any, state: State, prefix: str) -> None:
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if len(str(error).splitlines()) > 1 else str(error)
        raise ImportFailed(f"the weights under {prefix!r} are not laid out as published: {first}") from error


def _part(state: State, prefix: str) -> State:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
