"""`detect`: every head over the shared backbone. Its inputs and outputs are public, and never change."""

from ensembles.graph import Ensemble, Step
from ensembles.served_models import read_served_models

SERVED = read_served_models()
"""Heads and versions, from `served_models.json`, which publishing a head writes."""
HEADS = tuple(SERVED.heads)
"""All heads, in the order of label propagation's inputs."""

ENSEMBLE = Ensemble(
    name="detect",
    max_batch_size=16,
    inputs=("image",),
    outputs=("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size"),
    steps=(
        Step("preprocess", version=SERVED.shared["preprocess"]),
        Step("backbone", version=SERVED.shared["backbone"]),
        *(Step(head, version=version, output_prefix=f"{head}_") for head, version in SERVED.heads.items()),
        Step("label_propagation", version=SERVED.shared["label_propagation"]),
    ),
    taxonomy_model="label_propagation",
)
