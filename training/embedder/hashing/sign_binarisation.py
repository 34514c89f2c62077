"""The plain ways to bits: turn, and keep the signs."""

import torch
from torch import Tensor, nn

BITS = 256
TURNS = 50
"""Iterations of ITQ; its authors use as many."""


class SignBinarisation(nn.Module):
    """Centre, turn into `bits` directions, keep the signs; nothing is learned by descent.

    Without the mean, bits say which side of the origin all vectors lie on, and many bits are the same for everybody.
    """

    mean: Tensor
    directions: Tensor

    def __init__(self, mean: Tensor, directions: Tensor) -> None:
        """Take the parts.

        Args:
            mean: FP32 [D], subtracted first.
            directions: FP32 [bits, D].
        """
        super().__init__()
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("directions", directions.detach().clone())

    @classmethod
    def fixed(cls, dims: int, *, bits: int = BITS, seed: int = 0) -> "SignBinarisation":
        """Return random directions that are the same everywhere, for a run without a hasher; the mean is 0.

        Up to D bits they are orthonormal; beyond, orthonormal in groups of D.
        """
        return cls(torch.zeros(dims), fixed_directions(dims, bits, seed=seed))

    @classmethod
    def centred(cls, embeddings: Tensor, *, bits: int = BITS, seed: int = 0) -> "SignBinarisation":
        """Return the same directions around the mean of embeddings FP32 [N, D]."""
        return cls(embeddings.mean(dim=0), fixed_directions(embeddings.shape[1], bits, seed=seed))

    @classmethod
    def turned(cls, embeddings: Tensor, *, bits: int = BITS, seed: int = 0) -> "SignBinarisation":
        """Return directions that are turned to fit (Gong et al., "Iterative quantization", CVPR 2011).

        The widest principal directions of embeddings FP32 [N, D] span what the bits look at. Within, directions are
        turned so that codes lie close to corners of the cube. There are half as many principal directions as bits,
        where the paper has as many: what is narrower is noise, and two bits say more of a wide direction than one.
        """
        mean = embeddings.mean(dim=0)
        centred = (embeddings - mean).double()
        _, principal = torch.linalg.eigh(centred.T @ centred)  # [D, D], the widest last
        principal = principal[:, -(bits // 2) :]
        projected = centred @ principal  # [N, K]
        turn = fixed_directions(bits, bits, seed=seed).double()[: principal.shape[1]]  # [K, bits], orthonormal rows
        for _ in range(TURNS):
            corners = torch.where(projected @ turn > 0, 1.0, -1.0).double()
            left, _, right = torch.linalg.svd(projected.T @ corners, full_matrices=False)
            turn = left @ right
        return cls(mean, (principal @ turn).T.float())

    def forward(self, embeddings: Tensor) -> Tensor:
        """Turn embeddings FP32 [N, D] into codes FP32 [N, bits]; a bit is code > 0."""
        return nn.functional.linear(embeddings - self.mean, self.directions)


def fixed_directions(dims: int, bits: int, *, seed: int) -> Tensor:
    """Return FP32 [bits, dims]: rows of random rotations, from a seed."""
    generator = torch.Generator().manual_seed(seed)
    rotations = []
    for _ in range(-(-bits // dims)):
        square = torch.randn(dims, dims, generator=generator, dtype=torch.float64)
        rotations.append(torch.linalg.qr(square)[0])
    return torch.cat(rotations)[:bits].float()
