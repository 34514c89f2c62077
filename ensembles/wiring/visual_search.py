"""`visual_search`: what `detect` answers, and of its best objects the hashes that find them again.

No tensor is both published and read by a step, since tritonserver 2.51 refuses requests that do not ask for all of
such: the steps of `detect` write under other names, and the one that reads them hands them on (docs/TRITON_NOTES.md).
"""

from dataclasses import replace

from ensembles.graph import Ensemble, Step
from ensembles.served_models import read_served_models
from ensembles.wiring.detect import ENSEMBLE as DETECT

NUM_OBJECTS = 16
"""What the step `object_selection` gives at most, and so the rows that the embedder is asked for."""

_SHARED = read_served_models().shared
_HANDED_ON = {
    "boxes": "detected_boxes",
    "scores": "detected_scores",
    "class_ids": "detected_class_ids",
    "is_propagated": "detected_is_propagated",
    "num_detections": "detected_count",
    "image_size": "upright_size",
}
"""Each output of `detect`: what `object_selection` reads it as, and what it calls it when it gives it back."""
_SIZE = "image_size"
_INSIDE = {name: f"{name}_to_select" for name in _HANDED_ON}
"""What each is called on the way there."""


def _renamed(step: Step) -> Step:
    """A step of `detect`, whose tensors do not have the published names."""
    if step.model == "preprocess":
        return replace(step, outputs={_SIZE: _INSIDE[_SIZE]})
    if step.model == "label_propagation":
        outputs = {name: inside for name, inside in _INSIDE.items() if name != _SIZE}
        return replace(step, inputs={**step.inputs, _SIZE: _INSIDE[_SIZE]}, outputs=outputs)
    return step


ENSEMBLE = Ensemble(
    name="visual_search",
    max_batch_size=DETECT.max_batch_size,
    inputs=DETECT.inputs,
    outputs=(
        *DETECT.outputs,
        "object_boxes",
        "object_class_ids",
        "object_scores",
        "num_objects",
        "hashes",
        "embeddings",
    ),
    output_dims={"hashes": (NUM_OBJECTS, 32), "embeddings": (NUM_OBJECTS, 400)},
    steps=(
        *map(_renamed, DETECT.steps),
        Step(
            "object_selection",
            version=_SHARED["object_selection"],
            inputs=_INSIDE,
            outputs={given_back: name for name, given_back in _HANDED_ON.items()},
        ),
        Step(
            "embedder",
            version=_SHARED["embedder"],
            inputs={"boxes": "boxes_to_embed", _SIZE: _INSIDE[_SIZE]},
        ),
    ),
    taxonomy_model=DETECT.taxonomy_model,
    published_parameters={"embedder": ("embedder_version",)},
)
