"""The network that spreads embeddings so that their signs keep their neighbours."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.embedder.hashing.sign_binarisation import BITS, SignBinarisation

HIDDEN = 512


class Catalyzer(nn.Module):
    """A residual block: a turn into `bits` dimensions plus what two layers add to it (GrokNet 4.0.1).

    The branch adds nothing at first, so that training starts at a sign binarisation. There is no batch normalisation: a
    crop's hash must not depend on what a layer saw with it, and vectors of unit length around a known mean need none.
    """

    mean: Tensor

    def __init__(self, *, dims: int, bits: int = BITS, hidden: int = HIDDEN) -> None:
        """Make an empty one, to load weights into.

        Args:
            dims: of the embeddings.
            bits: of the codes.
            hidden: width of the branch.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(dims))
        self.shortcut = nn.Linear(dims, bits, bias=False)
        self.expand = nn.Linear(dims, hidden)
        self.project = nn.Linear(hidden, bits)

    @classmethod
    def starting_at(cls, start: SignBinarisation, *, hidden: int = HIDDEN, seed: int = 0) -> "Catalyzer":
        """Return one whose bits are those of `start`.

        Args:
            start: where training begins.
            hidden: width of the branch.
            seed: of the branch's first layer.
        """
        bits, dims = start.directions.shape
        catalyzer = cls(dims=dims, bits=bits, hidden=hidden)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            catalyzer.mean.copy_(start.mean)
            catalyzer.shortcut.weight.copy_(start.directions)
            catalyzer.expand.weight.copy_(torch.randn(hidden, dims, generator=generator) * (2 / dims) ** 0.5)
            catalyzer.expand.bias.zero_()
            catalyzer.project.weight.zero_()
            catalyzer.project.bias.zero_()
        return catalyzer

    def forward(self, embeddings: Tensor) -> Tensor:
        """Turn embeddings FP32 [N, D] into codes FP32 [N, bits] of unit length; a bit is code > 0."""
        centred = embeddings - self.mean
        codes: Tensor = self.shortcut(centred) + self.project(functional.relu(self.expand(centred)))
        return functional.normalize(codes, dim=1)
