"""`detect`: every head over the shared backbone. Its inputs and outputs are public, and never change."""

from ensembles.graph import Ensemble, Step
from ensembles.served_models import ServedModels, read_served_models


def wire(served: ServedModels) -> Ensemble:
    """Wire the heads and versions of `served_models.json`, which publishing a head writes."""
    return Ensemble(
        name="detect",
        max_batch_size=16,
        inputs=("image",),
        outputs=("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size"),
        steps=(
            Step("preprocess", version=served.shared["preprocess"]),
            Step("backbone", version=served.shared["backbone"]),
            *(Step(head, version=version, output_prefix=f"{head}_") for head, version in served.heads.items()),
            Step("label_propagation", version=served.shared["label_propagation"]),
        ),
        taxonomy_model="label_propagation",
    )


HEADS = tuple(read_served_models().heads)
"""All heads, in the order of label propagation's inputs."""

ENSEMBLE = wire(read_served_models())
