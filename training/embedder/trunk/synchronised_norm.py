"""Batch norm over the whole batch of all processes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.embedder.losses.gathered import sum_with_gradient


class SynchronisedBatchNorm2d(nn.Module):
    """Batch norm whose statistics while training are those of the whole batch (GrokNet, section 4).

    As `nn.SyncBatchNorm`, which needs a GPU and takes no uneven shares; this one runs on any device, and two processes
    learn what one learns. Outside of training, and where its weight is frozen, it is a plain batch norm with the
    statistics that it has. Its state has the names of `nn.BatchNorm2d`.

    Args:
        norm: the plain one whose parameters and statistics it takes over.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(norm.weight.detach().clone())
        self.bias = nn.Parameter(norm.bias.detach().clone())
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(norm, name).detach().clone())
        self.eps = norm.eps
        self.momentum = 0.1 if norm.momentum is None else norm.momentum

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [N, C, h, w] per channel; N may be 0 where other processes have crops."""
        if not self.training or not self.weight.requires_grad:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)
        values = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        own_count = values.new_tensor([values.numel() // values.shape[1]])
        count_and_sums = sum_with_gradient(torch.cat([own_count, values.sum(dim=(0, 2, 3))]))
        count = count_and_sums[0].detach()
        mean = count_and_sums[1:] / count.clamp(min=1)
        centred = values - mean[:, None, None]
        # Two sums and not one of squares: the difference of two large numbers would lose the small variance.
        variance = sum_with_gradient(centred.square().sum(dim=(0, 2, 3))) / count.clamp(min=1)
        self._track(mean.detach(), variance.detach(), float(count.detach()))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: Tensor = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: float) -> None:
        if count == 0:
            return
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        unbiased = variance * (count / max(count - 1, 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


def synchronise_batch_norms(network: nn.Module) -> None:
    """Put a synchronised norm in the place of every batch norm of a network."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, SynchronisedBatchNorm2d(child))
