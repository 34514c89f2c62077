"""From a trunk's name to a trunk with weights: the table of trunks and of what they can start from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url
from torchvision.models import ResNet, ResNet50_Weights, ViT_B_16_Weights, resnet50, vit_b_16
from torchvision.models.resnet import Bottleneck
from torchvision.models.vision_transformer import interpolate_embeddings

from training.data.roots import REPOSITORY_ROOT, data_root
from training.detector.fold_norms import fold_batch_norms
from training.embedder.errors import TrunkError
from training.embedder.trunk.mobilenet_v1 import MobileNetV1, load_mobilenet_v1
from training.embedder.trunk.synchronised_norm import synchronise_batch_norms
from training.embedder.trunk.torchvision_trunks import ResNetTrunk, ViTTrunk
from training.embedder.trunk.trunk import Trunk
from training.engine.checkpoint import LAST, load_checkpoint
from training.engine.errors import CheckpointError

TrunkName = Literal["mobilenet_v1", "resnet50", "resnext101_32x4d", "vit_b_16"]
Norms = Literal["frozen", "synchronised"]
State = dict[str, Tensor]

RESNEXT101_32X4D_URL = (
    "https://github.com/rwightman/pytorch-pretrained-gluonresnet/releases/download/v0.1/"
    "gluon_resnext101_32x4d-b253c8c4.pth"
)
"""torchvision publishes no weights of this network; these were learnt on ImageNet too and have torchvision's names.
The last part of a file's name is the start of its SHA-256, which is checked."""


def _resnext101_32x4d() -> ResNet:
    # Without norms a block of random numbers doubles the variance; one that starts as the identity does not.
    return ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4, zero_init_residual=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Body:
    """A network of torchvision's parts, and where what ImageNet taught it is published."""

    make: Callable[..., Any]
    url: str
    trunk_of: Callable[[Any], Trunk]


_BODIES: Mapping[TrunkName, _Body] = {
    "resnet50": _Body(
        make=partial(resnet50, zero_init_residual=True),
        url=ResNet50_Weights.IMAGENET1K_V1.url,
        trunk_of=lambda body: ResNetTrunk(body=body),
    ),
    "resnext101_32x4d": _Body(
        make=_resnext101_32x4d, url=RESNEXT101_32X4D_URL, trunk_of=lambda body: ResNetTrunk(body=body)
    ),
    "vit_b_16": _Body(make=vit_b_16, url=ViT_B_16_Weights.IMAGENET1K_V1.url, trunk_of=lambda vit: ViTTrunk(vit=vit)),
}
_PATCH_PX = 16
"""Of vit_b_16."""


def crop_multiple_px(name: TrunkName) -> int:
    """Return what the side of a crop must be a multiple of."""
    return _PATCH_PX if name == "vit_b_16" else 32


def build_trunk(name: TrunkName, trunk_from: str, *, crop_px: int, norms: Norms = "frozen") -> Trunk:
    """Build a trunk and load what it starts from.

    Args:
        name: of the trunk.
        trunk_from: `imagenet_arrays`, `imagenet`, `scratch`, the folder of an earlier run of an embedder, or a file of
            tensors by torchvision's names; a relative path is one in the checkout.
        crop_px: side of the crops, which a vision transformer must know.
        norms: `frozen` folds batch norms into the convolutions; `synchronised` lets them learn.

    Raises:
        TrunkError: there is nothing where `trunk_from` points, or nothing that fits.
    """
    if trunk_from == "imagenet_arrays":
        return _with_norms(_from_arrays(name), norms)
    if trunk_from == "scratch":
        return _with_norms(_trunk_of(name, _body(name, crop_px)), norms)
    if trunk_from == "imagenet":
        return _with_norms(_from_published(name, crop_px), norms)
    path = REPOSITORY_ROOT / trunk_from
    if path.is_dir():
        return _from_run(name, path, crop_px=crop_px, norms=norms)
    if path.is_file():
        return _with_norms(_from_state_dict(name, _read_tensors(path), str(path), crop_px), norms)
    raise TrunkError(
        f"trunk_from: {trunk_from} is neither imagenet_arrays, imagenet or scratch, nor a run folder, nor a file of "
        "weights; train the recipe that makes it first, or mend the path"
    )


def _body(name: TrunkName, crop_px: int) -> nn.Module | None:
    """Return a trunk's random network of torchvision's parts, None where it has none."""
    if name == "mobilenet_v1":
        return None
    if name not in get_args(TrunkName):
        raise TrunkError(f"trunk must be one of {', '.join(get_args(TrunkName))}, got {name!r}")
    make = _BODIES[name].make
    body: nn.Module = make(image_size=crop_px) if name == "vit_b_16" else make()
    return body


def _trunk_of(name: TrunkName, body: nn.Module | None) -> Trunk:
    return MobileNetV1() if body is None else _BODIES[name].trunk_of(body)


def _with_norms(trunk: Trunk, norms: Norms) -> Trunk:
    if norms == "synchronised":
        synchronise_batch_norms(trunk)
    else:
        fold_batch_norms(trunk)
    return trunk


def _from_arrays(name: TrunkName) -> Trunk:
    if name != "mobilenet_v1":
        raise TrunkError(f"trunk_from: imagenet_arrays is for mobilenet_v1; {name} starts from imagenet or scratch")
    trunk = MobileNetV1()
    try:
        load_mobilenet_v1(trunk, data_root() / "backbone")
    except FileNotFoundError as error:
        raise TrunkError(f"trunk_from: imagenet_arrays: {error}") from error
    return trunk


def _from_published(name: TrunkName, crop_px: int) -> Trunk:
    if name == "mobilenet_v1":
        raise TrunkError("trunk_from: what ImageNet taught mobilenet_v1 lies in the data folder; say imagenet_arrays")
    url = _BODIES[name].url
    try:
        state = load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # what urllib raises is an OSError; a wrong hash is a RuntimeError
        raise TrunkError(
            f"trunk_from: imagenet: {url} cannot be fetched ({error}). Fetch it where there is a network and give the "
            "file as trunk_from, or start from a run folder or from scratch"
        ) from error
    return _from_state_dict(name, state, url, crop_px)


def _from_state_dict(name: TrunkName, state: Mapping[str, Tensor], source: str, crop_px: int) -> Trunk:
    """Load what torchvision's constructor would save; classes of images are left out."""
    body = _body(name, crop_px)
    if body is None:
        raise TrunkError("trunk_from: a file of weights is for torchvision's trunks; mobilenet_v1 has imagenet_arrays")
    kept = {key: value for key, value in state.items() if not key.startswith(("fc.", "heads."))}
    if name == "vit_b_16":
        kept = _resized_positions(kept, crop_px, source)
    random = {key: value for key, value in body.state_dict().items() if key.startswith(("fc.", "heads."))}
    _load(body, kept | random, source)
    return _trunk_of(name, body)


def _from_run(name: TrunkName, run_folder: Path, *, crop_px: int, norms: Norms) -> Trunk:
    """Take the trunk of an earlier run: of a run whose norms learnt, or were folded as ours are to be."""
    path = run_folder / LAST
    if not path.is_file():
        raise TrunkError(f"trunk_from: {run_folder} has no {LAST}; train the recipe that makes it first")
    try:
        averaged = load_checkpoint(path)["averaged"]
    except CheckpointError as error:
        raise TrunkError(f"trunk_from: {error}") from error
    except KeyError as error:
        raise TrunkError(f"trunk_from: {path} is no checkpoint of a training run") from error
    state = {key.removeprefix("trunk."): value for key, value in averaged.items() if key.startswith("trunk.")}
    if name == "vit_b_16":
        state = _resized_positions(state, crop_px, str(path), prefix="vit.")
    trunk = _trunk_of(name, _body(name, crop_px))
    has_norms = any(key.endswith("running_mean") for key in state)
    if not has_norms and norms == "synchronised" and name != "vit_b_16":
        raise TrunkError(f"trunk_from: {run_folder} was trained with frozen norms, of which none are left to learn")
    if has_norms:
        _load(trunk, state, str(path))
        return _with_norms(trunk, norms)
    fold_batch_norms(trunk)
    _load(trunk, state, str(path))
    return trunk


def _resized_positions(state: State, crop_px: int, source: str, prefix: str = "") -> State:
    """Interpolate a vision transformer's position embeddings to the patches of our crops."""
    name = f"{prefix}encoder.pos_embedding"
    if name not in state:
        raise TrunkError(f"trunk_from: {source} holds no vision transformer: it has no {name}")
    resized = interpolate_embeddings(crop_px, _PATCH_PX, {"encoder.pos_embedding": state[name]})
    return state | {name: resized["encoder.pos_embedding"]}


def _read_tensors(path: Path) -> State:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch reports a broken file in half a dozen ways
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrunkError(f"trunk_from: {path} is no file of torch.save: {reason}") from error
    if not (isinstance(state, dict) and state and all(isinstance(value, Tensor) for value in state.values())):
        raise TrunkError(f"trunk_from: {path} must hold tensors by name, as torch.save(model.state_dict(), file) does")
    return state


def _load(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        lines = str(error).splitlines()
        first = lines[1].strip() if len(lines) > 1 else lines[0]
        raise TrunkError(f"trunk_from: {source} does not hold the trunk that the recipe names: {first}") from error
