"""What a benchmark sends to `detect` with a plain tritonclient, and all that it gets back."""

import numpy as np
from tritonclient.grpc import InferInput

OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections", "image_size")


def photo_input(photo: bytes) -> InferInput:
    """Return the tensor `image`, BYTES [1, 1], of one encoded photo."""
    tensor = InferInput("image", [1, 1], "BYTES")
    tensor.set_data_from_numpy(np.array([[photo]], dtype=np.object_))
    return tensor
