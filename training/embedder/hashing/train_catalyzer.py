"""Learn a catalyzer from a run's embeddings: seconds to a minute, on a CPU."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.embedder.hashing.catalyzer import HIDDEN, Catalyzer
from training.embedder.hashing.errors import HashingError, TooFewEmbeddings
from training.embedder.hashing.neighbours import nearest_others
from training.embedder.hashing.sign_binarisation import BITS, SignBinarisation
from training.embedder.hashing.spreading_vectors_loss import spreading_vectors_loss


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalyzerOptions:
    """How a catalyzer is trained; defaults of the paper's authors except where a reason is given."""

    entropy_weight: float = 0.05
    """lambda"""
    positive_rank: int = 10
    """A vector's positive is drawn anew each epoch from so many nearest ones in the space of embeddings."""
    negative_rank: int = 50
    """Its negative is the one of this rank in the space of codes."""
    epochs: int = 40
    """The authors' 160 epochs of half a million vectors are out of proportion here: it starts at a good rotation."""
    batch: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    hidden: int = HIDDEN
    bits: int = BITS
    max_embeddings: int = 20_000
    """More are thinned out by chance: an epoch compares all with all."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("positive_rank", "negative_rank", "epochs", "hidden", "bits"):
            if getattr(self, name) < 1:
                raise HashingError(f"{name} must be 1 or more, got {getattr(self, name)}")
        if self.batch < 2 or self.max_embeddings < 2:
            raise HashingError(f"batch and max_embeddings must be 2 or more, got {self.batch}, {self.max_embeddings}")
        if self.entropy_weight < 0 or not self.learning_rate > 0:
            raise HashingError(
                f"entropy_weight must not be negative and learning_rate must be above 0, got {self.entropy_weight} and "
                f"{self.learning_rate}"
            )


def train_catalyzer(
    embeddings: Tensor,
    options: CatalyzerOptions | None = None,
    *,
    on_epoch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Catalyzer:
    """Train on embeddings, without labels.

    The rank loss sees the bits and not the codes: with signs it does not count how far a code lies from 0. Their
    gradient is passed to the codes as it is (straight-through), as the authors do with their lattices. What is spread
    are the codes: two hashes that are equal could not say which way to go.

    Args:
        embeddings: FP32 [N, D] of unit length.
        options: defaults where None.
        on_epoch: called after each epoch with its number from 1 and its mean loss.

    Raises:
        TooFewEmbeddings: fewer than 3 different vectors.
        FloatingPointError: the loss is no number any more.
    """
    options = options or CatalyzerOptions()
    generator = torch.Generator().manual_seed(options.seed)
    if len(embeddings) > options.max_embeddings:
        embeddings = embeddings[torch.randperm(len(embeddings), generator=generator)[: options.max_embeddings]]
    check_enough(embeddings)
    count = len(embeddings)
    start = SignBinarisation.turned(embeddings, bits=options.bits, seed=options.seed)
    catalyzer = Catalyzer.starting_at(start, hidden=options.hidden, seed=options.seed)
    neighbours = nearest_others(embeddings, min(options.positive_rank, count - 1))
    optimizer = torch.optim.SGD(catalyzer.parameters(), options.learning_rate, momentum=options.momentum)
    for epoch in range(options.epochs):
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * (1 - epoch / options.epochs)
        drawn = torch.randint(neighbours.shape[1], (count, 1), generator=generator)
        positives = neighbours.gather(1, drawn)[:, 0]
        with torch.no_grad():
            bits = straight_through_bits(catalyzer(embeddings))
            negatives = nearest_others(bits, min(options.negative_rank, count - 1))[:, -1]
        losses = []
        for rows in torch.split(torch.randperm(count, generator=generator), options.batch):
            if len(rows) < 2:
                continue  # a vector alone has no nearest other
            triplets = embeddings[torch.cat([rows, positives[rows], negatives[rows]])]
            codes = catalyzer(triplets)
            loss = spreading_vectors_loss(
                *straight_through_bits(codes).chunk(3),
                entropy_weight=options.entropy_weight,
                spread=codes[: len(rows)],
            ).total
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"the loss became {float(loss.detach())} in epoch {epoch + 1}: use a smaller learning rate than "
                    f"{options.learning_rate}"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
        on_epoch(epoch + 1, sum(losses) / len(losses))
    return catalyzer.eval()


def straight_through_bits(codes: Tensor) -> Tensor:
    """Return the signs of codes [N, bits], scaled to unit length; gradients pass as if they were the codes."""
    bits = torch.where(codes > 0, 1.0, -1.0).to(codes.dtype) / codes.shape[1] ** 0.5
    passed: Tensor = bits + codes - codes.detach()
    return passed


def check_enough(embeddings: Tensor) -> None:
    """Raise TooFewEmbeddings where there is nothing to learn from."""
    different = len(torch.unique(embeddings, dim=0))
    if different < 3:
        raise TooFewEmbeddings(
            f"a hash is learned from at least 3 different embeddings, got {different} among {len(embeddings)}: "
            "name sets with more crops"
        )
