"""How well a photo fits a query, by two streams that meet in one space (GrokNet, section 5.2)."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 128
DIMS = 64
EPOCHS = 40
BATCH = 256
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
"""Strong: what it must not do is to learn single pairs by heart."""

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


class SiameseModel(nn.Module):
    """A stream for photos, one for queries; their cosine, stretched, is the logit of belonging together.

    Args:
        image_dims: of a photo's features, its hash as -1 and +1.
        text_dims: of a query's features.
    """

    def __init__(self, *, image_dims: int, text_dims: int) -> None:
        super().__init__()
        self.image_stream = _stream(image_dims)
        self.text_stream = _stream(text_dims)
        self.sharpness = nn.Parameter(torch.tensor(5.0))
        self.offset = nn.Parameter(torch.tensor(0.0))

    def forward(self, images: Tensor, texts: Tensor) -> Tensor:
        """Return logits FP32 [N] for photos [N, image_dims] and queries [N, text_dims]."""
        similarity = functional.cosine_similarity(self.image_stream(images), self.text_stream(texts), dim=1)
        return self.sharpness * similarity + self.offset


def train_siamese(images: Floats, texts: Floats, pairs: Integers, *, known: Integers, seed: int) -> SiameseModel:
    """Learn from clicked pairs and as many random ones.

    Args:
        images: [I, image_dims]
        texts: [Q, text_dims]
        pairs: INT64 [P, 2]: image, query.
        known: INT64 [K, 2]: pairs that must not be drawn as negatives.
        seed: of weights, order and negatives.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SiameseModel(image_dims=images.shape[1], text_dims=texts.shape[1]).train()
        _train(
            model, torch.from_numpy(images), torch.from_numpy(texts), torch.from_numpy(pairs), torch.from_numpy(known)
        )
    return model.eval()


def siamese_scores(model: SiameseModel, images: Floats, texts: Floats, pairs: Integers) -> Floats:
    """Return FP32 [P], 0 to 1, of pairs INT64 [P, 2]."""
    with torch.inference_mode():
        logits = model(torch.from_numpy(images[pairs[:, 0]]), torch.from_numpy(texts[pairs[:, 1]]))
    scores: Floats = logits.sigmoid().numpy()
    return scores


def _train(model: SiameseModel, images: Tensor, texts: Tensor, pairs: Tensor, known: Tensor) -> None:
    known_keys = known[:, 0] * len(texts) + known[:, 1]
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(pairs)), BATCH):
            image, query = pairs[rows].T
            # Negatives are drawn as often as people asked, or a common query would fit everything by being common.
            other = pairs[torch.randint(len(pairs), (len(rows),)), 1]
            is_negative = ~torch.isin(image * len(texts) + other, known_keys)
            wanted = torch.cat([torch.ones(len(rows)), torch.zeros(int(is_negative.sum()))])
            logits = model(
                images[torch.cat([image, image[is_negative]])], texts[torch.cat([query, other[is_negative]])]
            )
            loss = functional.binary_cross_entropy_with_logits(logits, wanted)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _stream(dims: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dims, HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(HIDDEN, DIMS))
