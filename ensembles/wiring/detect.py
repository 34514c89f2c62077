"""`detect`: every head over the shared backbone. Its inputs and outputs are public, and never change."""

from ensembles.graph import Ensemble, Step

HEADS = ("head_generic", "head_electronics")
"""All heads, in the order of label propagation's inputs. The one place where they are listed."""

ENSEMBLE = Ensemble(
    name="detect",
    max_batch_size=16,
    inputs=("image",),
    outputs=("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size"),
    steps=(
        Step("preprocess"),
        Step("backbone"),
        *(Step(head, output_prefix=f"{head}_") for head in HEADS),
        Step("label_propagation"),
    ),
    taxonomy_model="label_propagation",
)
