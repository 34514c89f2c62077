"""Small pictures of one colour each, and an embedder that sees colours: judged without training anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from training.embedder.data import LabelledCrop
from training.embedder.evaluation.embedded_crops import EmbeddedCrops

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (40, 40, 210)


def painted(folder: Path, name: str, colour: tuple[int, int, int]) -> Path:
    """Write a picture of one colour, without loss."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), colour).save(path)
    return path


def crop(path: Path, label: str, *, kind: str = "label", split: str = "val", role: str = "") -> LabelledCrop:
    return LabelledCrop(
        path=path,
        box_xyxy_px=None,
        product=label,
        labels={kind: (label,)},
        data_set="painted",
        split=split,  # type: ignore[arg-type]
        role=role,
    )


class ColourModel:
    """Embeds a picture by its mean colour; a hash's bytes are filled up to the colour's strength."""

    name = "colours"
    labels_of_head: Mapping[str, Sequence[str]] = {"label": ("red", "green", "blue")}

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: Sequence[Image.Image]) -> EmbeddedCrops:
        self.seen += len(images)
        colours = np.array([np.asarray(image, np.float32).mean(axis=(0, 1)) for image in images]) + 1
        bits = np.arange(256) < colours[:, :, None]
        return EmbeddedCrops(
            embeddings=colours.astype(np.float32),
            hashes=np.packbits(bits.reshape(len(images), -1), axis=1),
            best_labels={"label": [self.labels_of_head["label"][k] for k in colours.argmax(axis=1)]},
        )
