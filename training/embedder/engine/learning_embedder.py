"""An embedder with what it needs only while it learns."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from training.embedder.embedder import Embedder
from training.embedder.engine.recipe import EmbedderRecipe, RecipeError

CENTRES = "class_centres."
"""In front of the names of what is left behind when the learning is over."""


class LearningEmbedder(Embedder):
    """The parts of an embedder under the same names, and the centres of the classes beside them.

    Args:
        embedder: whose parts these become.
        num_centres: classes of each loss that learns a centre for each; they start from random numbers.
    """

    def __init__(self, *, embedder: Embedder, num_centres: Mapping[str, int]) -> None:
        nn.Module.__init__(self)
        self.trunk = embedder.trunk
        self.pooling = embedder.pooling
        self.embedding = embedder.embedding
        self.heads = embedder.heads
        dims = embedder.embedding.out_features
        # Of about unit length, as what they are compared with; the losses look at their direction alone.
        self.class_centres = nn.ParameterDict(
            {loss: nn.Parameter(torch.randn(count, dims) / dims**0.5) for loss, count in num_centres.items()}
        )

    def freeze_blocks(self, count: int) -> None:
        """Keep the trunk's first so many blocks as they are.

        Raises:
            RecipeError: it has fewer.
        """
        blocks: Sequence[nn.Module] = self.trunk.parts_in_order()
        if count > len(blocks):
            raise RecipeError(f"frozen_blocks must be at most {len(blocks)} with this trunk, got {count}")
        for block in blocks[:count]:
            block.requires_grad_(False)

    def optimizer(self, recipe: EmbedderRecipe) -> torch.optim.Optimizer:
        """Build the optimiser over what is trained: the trunk first, then what starts from random numbers."""
        of_trunk = {id(p) for p in self.trunk.parameters()}
        parameters = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if id(p) in of_trunk], "peak_lr": recipe.trunk_learning_rate},
            {"params": [p for p in parameters if id(p) not in of_trunk], "peak_lr": recipe.learning_rate},
        ]
        if recipe.optimizer == "sgd":
            return torch.optim.SGD(
                groups, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
            )
        return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
