"""`embed`: a photo and boxes of the caller's own, and for each box its hash and what it shows."""

from ensembles.graph import Ensemble, Step
from ensembles.served_models import read_served_models

_SHARED = read_served_models().shared

ENSEMBLE = Ensemble(
    name="embed",
    max_batch_size=16,
    inputs=("image", "boxes"),
    outputs=("hashes", "embeddings", "attribute_*", "image_size"),
    steps=(
        Step("preprocess", version=_SHARED["preprocess"]),
        Step("embedder", version=_SHARED["embedder"]),
    ),
    published_parameters={"embedder": ("embedder_version", "attributes")},
)
