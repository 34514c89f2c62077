"""Start from the published COCO-trained NanoDet-Plus-m-1.5x arrays (`teachers/nanodet_plus_m15_416`)."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.detector.backbone import SharedBackbone
from training.detector.fcos_head import FCOSHead
from training.detector.ghost_pan import GhostBlock
from training.detector.shufflenet import convolutions_in_execution_order

# Per level P3..P6: the head's convolutions, two separable pairs and the output layer.
_HEAD_LAYERS_PER_LEVEL = (
    ("convdwrelu_8", "convrelu_47", "convdwrelu_9", "convrelu_54", "conv_77"),
    ("convdwrelu_10", "convrelu_48", "convdwrelu_11", "convrelu_53", "conv_80"),
    ("convdwrelu_12", "convrelu_49", "convdwrelu_13", "convrelu_52", "conv_83"),
    ("convdwrelu_14", "convrelu_50", "convdwrelu_15", "convrelu_51", "conv_86"),
)


class NanoDetArrays:
    """The arrays of `weights.npz` by layer name, each copied into a convolution of ours."""

    def __init__(self, folder: Path) -> None:
        missing = [name for name in ("layers.json", "weights.npz") if not (folder / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{folder} lacks {', '.join(missing)}: it must hold the NanoDet-Plus pack of plain arrays. "
                "Set GENOD_DATA to the folder that has teachers/nanodet_plus_m15_416."
            )
        self._layers = {layer["name"]: layer for layer in json.loads((folder / "layers.json").read_text())["layers"]}
        self._arrays = np.load(folder / "weights.npz", allow_pickle=False)

    def names(self, section: str) -> list[str]:
        """Return the convolutions of `section` ("backbone", "neck" or "head") in execution order."""
        return [n for n, layer in self._layers.items() if layer["section"] == section and layer["op"] == "conv"]

    def weight_and_bias(self, name: str) -> tuple[Tensor, Tensor]:
        """Return one convolution's weight [out, in / groups, k, k] and bias [out], FP32."""
        layer = self._layers[name]
        weight = self._arrays[layer["weight"]].astype(np.float32)
        if "weight_scale" in layer:  # int8 with a scale per output channel
            weight *= self._arrays[layer["weight_scale"]].astype(np.float32).reshape(-1, 1, 1, 1)
        bias = self._arrays[layer["bias"]].astype(np.float32)
        return torch.from_numpy(weight), torch.from_numpy(bias)

    def copy_into(self, name: str, conv: nn.Conv2d) -> None:
        """Copy one convolution's arrays, whose shapes must agree."""
        weight, bias = self.weight_and_bias(name)
        if conv.weight.shape != weight.shape or conv.bias is None:
            raise ValueError(f"{name} has weight {tuple(weight.shape)}, ours has {tuple(conv.weight.shape)}")
        with torch.no_grad():
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)


def load_backbone(backbone: SharedBackbone, arrays: NanoDetArrays) -> None:
    """Copy trunk and neck; P7, which NanoDet lacks, starts as a copy of the step from P5 to P6."""
    _copy_all(arrays, arrays.names("backbone"), convolutions_in_execution_order(backbone.trunk))
    first = backbone.trunk.conv1[0]
    with torch.no_grad():  # the arrays want BGR, we feed RGB
        first.weight.copy_(first.weight.flip(1))
    neck = backbone.neck
    reduce_c3, reduce_c4, reduce_c5 = neck.reduce
    execution_order = [
        *_convs(reduce_c5),
        *_convs(reduce_c4),
        *_ghost_convs(neck.top_down_p4),
        *_convs(reduce_c3),
        *_ghost_convs(neck.top_down_p3),
        *_convs(neck.down_p3),
        *_ghost_convs(neck.bottom_up_p4),
        *_convs(neck.down_p4),
        *_ghost_convs(neck.bottom_up_p5),
        *_convs(neck.p6_from_c5),
        *_convs(neck.p6_from_p5),
    ]
    _copy_all(arrays, arrays.names("neck"), execution_order)
    neck.p7_from_p6.load_state_dict(neck.p6_from_p5.state_dict())


def load_head(head: FCOSHead, arrays: NanoDetArrays, *, classifier: bool) -> None:
    """Copy the towers and regressors, and the 80-class classifier if asked; P7 starts as a copy of P6."""
    for level, tower in enumerate(head.towers):
        *tower_names, output_name = _HEAD_LAYERS_PER_LEVEL[min(level, len(_HEAD_LAYERS_PER_LEVEL) - 1)]
        _copy_all(arrays, tower_names, _convs(tower))
        weight, bias = arrays.weight_and_bias(output_name)
        num_coco_classes = len(bias) - 4 * head.distance_bins
        classes, distances = slice(None, num_coco_classes), slice(num_coco_classes, None)
        head.regressors[level].load_state_dict({"weight": weight[distances], "bias": bias[distances]})
        if classifier:
            head.classifiers[level].load_state_dict({"weight": weight[classes], "bias": bias[classes]})


def _convs(module: nn.Module) -> list[nn.Conv2d]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d)]


def _ghost_convs(block: GhostBlock) -> Iterable[nn.Conv2d]:
    return (
        *_convs(block.expand_primary),
        *_convs(block.expand_ghost),
        block.project_primary,
        block.project_ghost,
        *_convs(block.shortcut),
    )


def _copy_all(arrays: NanoDetArrays, names: Iterable[str], convs: Iterable[nn.Conv2d]) -> None:
    for name, conv in zip(names, convs, strict=True):
        arrays.copy_into(name, conv)
