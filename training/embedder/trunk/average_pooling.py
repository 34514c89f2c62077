"""Average pooling: what GeM is compared with."""

from torch import Tensor, nn


class AveragePooling(nn.Module):
    """The mean over a feature map."""

    def forward(self, features: Tensor) -> Tensor:
        """Pool features [N, C, h, w] to [N, C]."""
        return features.mean(dim=(2, 3))
