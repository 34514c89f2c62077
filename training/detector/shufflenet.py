"""ShuffleNetV2 trunk without batch norm, from torchvision's definition."""

import torch
from torch import Tensor, nn
from torchvision.models import shufflenet_v2_x1_5

from training.detector.fold_norms import fold_batch_norms


class ShuffleNetTrunk(nn.Module):
    """ShuffleNetV2 1.5x up to stage 4, giving C3, C4, C5 (176, 352, 704 channels; strides 8, 16, 32).

    Batch norm is folded into the convolutions and the activation is LeakyReLU(0.1), because the COCO-trained
    arrays we start from come folded and with that activation; a few images a step would also give poor batch
    statistics.
    """

    out_channels = (176, 352, 704)

    def __init__(self) -> None:
        super().__init__()
        network = shufflenet_v2_x1_5(weights=None).eval()
        self.conv1 = network.conv1
        self.maxpool = network.maxpool
        self.stage2 = network.stage2
        self.stage3 = network.stage3
        self.stage4 = network.stage4
        fold_batch_norms(self)
        _replace_relu(self)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map normalised images FP32 [N, 3, H, W] (H, W multiples of 32) to C3, C4, C5."""
        x = self.maxpool(self.conv1(images))
        c3 = self.stage2(x)
        c4 = self.stage3(c3)
        c5 = self.stage4(c4)
        return c3, c4, c5


def _replace_relu(module: nn.Module) -> None:
    for parent in module.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU):
                setattr(parent, name, nn.LeakyReLU(0.1, inplace=True))


def convolutions_in_execution_order(trunk: ShuffleNetTrunk) -> list[nn.Conv2d]:
    """Return the trunk's 56 convolutions in the order in which the published arrays list them."""
    convs = [_only_conv(trunk.conv1)]
    for stage in (trunk.stage2, trunk.stage3, trunk.stage4):
        for block in stage:
            branch2 = [m for m in block.branch2 if isinstance(m, nn.Conv2d)]
            branch1 = [m for m in block.branch1 if isinstance(m, nn.Conv2d)]
            if branch1:  # the strided block: both branches work on the whole input
                convs += [branch1[0], branch2[0], branch2[1], branch1[1], branch2[2]]
            else:
                convs += branch2
    return convs


def _only_conv(sequential: torch.nn.Module) -> nn.Conv2d:
    (conv,) = (m for m in sequential.modules() if isinstance(m, nn.Conv2d))
    return conv
