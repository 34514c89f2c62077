"""What the toy model sees, shared with the tests that expect it."""

import numpy as np

ROWS = 300

# (box, score, class_id, is_propagated), as label_propagation would order them. The numbers have no short
# decimal form in float32, so that a client which rounds is found out. The two boards overlap: one copy of
# "development board" (7) and of "electronics" (3) remains for both.
SCENE = [
    ((10.1, 20.2, 200.3, 150.4), 0.9, 20, False),
    ((10.1, 20.2, 200.3, 150.4), 0.9, 7, True),
    ((10.1, 20.2, 200.3, 150.4), 0.9, 3, True),
    ((12.7, 18.3, 203.9, 149.1), 0.7, 31, False),
    ((401.3, 300.7, 640.0, 480.0), 0.1, 3, False),
]


def answer_tensors(rows, image_size):
    """The six outputs of `detect` for one image, the batch dimension first."""
    boxes = np.zeros((1, ROWS, 4), np.float32)
    scores = np.zeros((1, ROWS), np.float32)
    class_ids = np.zeros((1, ROWS), np.int32)
    is_propagated = np.zeros((1, ROWS), np.bool_)
    for row, (box, score, class_id, propagated) in enumerate(rows):
        boxes[0, row], scores[0, row] = box, score
        class_ids[0, row], is_propagated[0, row] = class_id, propagated
    return {
        "boxes": boxes,
        "scores": scores,
        "class_ids": class_ids,
        "is_propagated": is_propagated,
        "num_detections": np.array([[len(rows)]], np.int32),
        "image_size": np.array([image_size], np.int32),
    }
