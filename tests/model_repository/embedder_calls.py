"""Plain calls of the ensembles that embed, and what they promise to answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http

DETECT = ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size")
VISUAL_SEARCH = {
    "boxes": (np.float32, (300, 4)),
    "scores": (np.float32, (300,)),
    "class_ids": (np.int32, (300,)),
    "is_propagated": (np.bool_, (300,)),
    "num_detections": (np.int32, (1,)),
    "image_size": (np.int32, (2,)),
    "object_boxes": (np.float32, (16, 4)),
    "object_class_ids": (np.int32, (16,)),
    "object_scores": (np.float32, (16,)),
    "num_objects": (np.int32, (1,)),
    "hashes": (np.uint8, (16, 32)),
    "embeddings": (np.float32, (16, 400)),
}
Answer = dict[str, np.ndarray[Any, Any]]


def infer(
    client: Any, model: str, photos: Sequence[bytes], *, boxes: Any = None, outputs: Sequence[str] | None = None
) -> Answer:
    """Answer of an ensemble for a batch of photos; `boxes` [B, N, 4] for `embed`."""
    module = tritonclient.grpc if isinstance(client, tritonclient.grpc.InferenceServerClient) else tritonclient.http
    image = module.InferInput("image", [len(photos), 1], "BYTES")
    image.set_data_from_numpy(np.array([[photo] for photo in photos], dtype=np.object_))
    inputs = [image]
    if boxes is not None:
        inputs.append(module.InferInput("boxes", list(boxes.shape), "FP32"))
        inputs[1].set_data_from_numpy(boxes)
    asked = None if outputs is None else [module.InferRequestedOutput(name) for name in outputs]
    result = client.infer(model, inputs, outputs=asked)
    response = result.get_response()
    names = (
        [output["name"] for output in response["outputs"]]
        if isinstance(response, dict)
        else [output.name for output in response.outputs]
    )
    return {name: result.as_numpy(name) for name in names}


def row(answer: Answer, index: int) -> dict[str, bytes]:
    """One photo's tensors as bytes, so that equality is equality to the bit."""
    return {name: tensor[index].tobytes() for name, tensor in answer.items()}
