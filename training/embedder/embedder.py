"""The embedder: one trunk, one embedding, any number of heads (GrokNet, figure 6).

spec = EmbedderSpec(
    trunk="mobilenet_v1",
    trunk_from="imagenet_arrays",
    heads=(HeadSpec(name="coarse", kind="softmax", labels=("fruit", "milk")),),
)
embedder = Embedder.build(spec).eval()
embeddings, pooled, logits = embedder(crops)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.embedder.errors import EmbedderError
from training.embedder.trunk.average_pooling import AveragePooling
from training.embedder.trunk.build_trunk import Norms, TrunkName, build_trunk, crop_multiple_px
from training.embedder.trunk.gem_pooling import GeMPooling
from training.embedder.trunk.trunk import Trunk

HeadKind = Literal["softmax", "multi_label_softmax"]
Pooling = Literal["gem", "average"]

EMBEDDING_DIMS = 400
"""GrokNet, section 4.0.1."""
CROP_PX = 224


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadSpec:
    """One group of labels: of a crop exactly one holds, or any number of them."""

    name: str
    """Also of the served outputs: `attribute_<name>_ids`."""
    kind: HeadKind
    """`softmax` where the labels exclude each other, `multi_label_softmax` where several may hold."""
    labels: tuple[str, ...]
    """By index of the logit."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", self.name):
            raise EmbedderError(
                f"a head's name must be small letters, digits and _, a letter first, got {self.name!r}; rename it"
            )
        if hasattr(nn.ModuleDict, self.name):
            raise EmbedderError(f"a head cannot be called {self.name}, which has a meaning in PyTorch; rename it")
        if self.kind not in get_args(HeadKind):
            raise EmbedderError(
                f"head {self.name}: kind must be one of {', '.join(get_args(HeadKind))}, got {self.kind!r}"
            )
        if not self.labels:
            raise EmbedderError(f"head {self.name} must have one label or more; drop the head, or list its labels")
        if len(set(self.labels)) < len(self.labels):
            repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
            raise EmbedderError(f"head {self.name} has the label {repeated[0]!r} more than once; list it once")


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbedderSpec:
    """What an embedder is made of, and what its weights start from."""

    trunk: TrunkName
    trunk_from: str
    """`imagenet_arrays` (of the data folder, for mobilenet_v1), `imagenet` (downloaded), `scratch`, or a path: the
    folder of an earlier run of an embedder with this trunk, or a file of tensors by torchvision's names."""
    crop_px: int = CROP_PX
    """Side of the square crops."""
    pooling: Pooling = "gem"
    """`gem` learns its power; `average` is for comparison, and for vit_b_16."""
    embedding_dims: int = EMBEDDING_DIMS
    heads: tuple[HeadSpec, ...] = ()
    norms: Norms = "frozen"
    """Batch norms: `frozen` folds them into the convolutions, which go on learning; `synchronised` computes their
    statistics over the whole batch of all processes while it trains (GrokNet, section 4)."""

    def __post_init__(self) -> None:
        choices: dict[str, tuple[str, ...]] = {
            "trunk": get_args(TrunkName),
            "pooling": get_args(Pooling),
            "norms": get_args(Norms),
        }
        for field, allowed in choices.items():
            if getattr(self, field) not in allowed:
                raise EmbedderError(f"{field} must be one of {', '.join(allowed)}, got {getattr(self, field)!r}")
        multiple_px = crop_multiple_px(self.trunk)
        if self.crop_px < multiple_px or self.crop_px % multiple_px:
            raise EmbedderError(f"crop_px must be a multiple of {multiple_px} for {self.trunk}, got {self.crop_px}")
        if self.trunk == "vit_b_16" and self.pooling == "gem":
            raise EmbedderError(
                "pooling: gem needs features that are never negative, and vit_b_16's class token is pooled already; "
                "say pooling: average"
            )
        if self.trunk == "vit_b_16" and self.norms == "synchronised":
            raise EmbedderError("norms: synchronised is for batch norms, of which vit_b_16 has none; say norms: frozen")
        if self.embedding_dims < 1:
            raise EmbedderError(f"embedding_dims must be 1 or more, got {self.embedding_dims}")
        names = [head.name for head in self.heads]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise EmbedderError(f"two heads are called {', '.join(repeated)}; rename one")


class EmbedderOutputs(NamedTuple):
    """What a batch of N crops gives."""

    embeddings: Tensor
    """FP32 [N, D], unit length."""
    pooled: Tensor
    """FP32 [N, C]: the pooled features that the embedding and the heads are computed from."""
    logits: dict[str, Tensor]
    """Of each head FP32 [N, k]."""


class Embedder(nn.Module):
    """A trunk, its pooling, one embedding and the heads; the embedding has nothing behind it but the L2 norm.

    Args:
        trunk: maps crops to features [N, C, h, w].
        pooling: maps those to [N, C].
        embedding_dims: D.
        num_labels: k of each head, by its name.
    """

    def __init__(self, *, trunk: Trunk, pooling: nn.Module, embedding_dims: int, num_labels: Mapping[str, int]) -> None:
        super().__init__()
        self.trunk = trunk
        self.pooling = pooling
        self.embedding = nn.Linear(trunk.out_channels, embedding_dims)
        self.heads = nn.ModuleDict({name: nn.Linear(trunk.out_channels, k) for name, k in num_labels.items()})

    @classmethod
    def build(cls, spec: EmbedderSpec) -> "Embedder":
        """Build what a spec says; what it does not start from somewhere is random, by torch's generator.

        Raises:
            TrunkError: there is nothing where `trunk_from` points, or nothing that fits.
        """
        trunk = build_trunk(spec.trunk, spec.trunk_from, crop_px=spec.crop_px, norms=spec.norms)
        return cls(
            trunk=trunk,
            pooling=GeMPooling() if spec.pooling == "gem" else AveragePooling(),
            embedding_dims=spec.embedding_dims,
            num_labels={head.name: len(head.labels) for head in spec.heads},
        )

    def forward(self, crops: Tensor) -> EmbedderOutputs:
        """Embed crops FP32 [N, 3, S, S], RGB 0..255; in mixed precision too the outputs are FP32."""
        pooled = self.pooling(_at_least_fp32(self.trunk(crops)))
        embeddings = F.normalize(_at_least_fp32(self.embedding(pooled)), dim=1)
        logits = {name: _at_least_fp32(head(pooled)) for name, head in self.heads.items()}
        return EmbedderOutputs(embeddings, pooled, logits)


def _at_least_fp32(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
