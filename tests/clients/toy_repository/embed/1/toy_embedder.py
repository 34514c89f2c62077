"""What the toy embedder makes of boxes, shared by both models and with the tests that expect it."""

import hashlib

import numpy as np

DIMS = 6
SLOTS = 16


def embed_boxes(boxes):
    """Hashes UINT8 [N, 32] and embeddings FP32 [N, 6] of boxes FP32 [N, 4]; of equal boxes equal ones."""
    hashes = np.zeros((len(boxes), 32), np.uint8)
    embeddings = np.zeros((len(boxes), DIMS), np.float32)
    for row, box in enumerate(np.asarray(boxes, np.float32)):
        hashes[row] = np.frombuffer(hashlib.sha256(box.tobytes()).digest(), np.uint8)
        vector = np.array([*box, 1, box.sum()], np.float32)
        embeddings[row] = vector / np.linalg.norm(vector)
    return hashes, embeddings


def embed_tensors(boxes, image_size):
    """The outputs of `embed` for one image, the batch dimension first."""
    hashes, embeddings = embed_boxes(boxes)
    count = len(boxes)
    return {
        "hashes": hashes[None],
        "embeddings": embeddings[None],
        "attribute_colour_ids": np.tile(np.array([2, 0, 1], np.int32), (1, count, 1)),
        "attribute_colour_scores": np.tile(np.array([0.7, 0.2, 0.1], np.float32), (1, count, 1)),
        "attribute_kind_ids": np.tile(np.array([0, 1], np.int32), (1, count, 1)),
        "attribute_kind_scores": np.tile(np.array([0.9, 0.05], np.float32), (1, count, 1)),
        "image_size": np.array([image_size], np.int32),
    }


def object_tensors(rows):
    """The outputs that `visual_search` has beyond those of `detect`, for rows as the toy's scene has them."""
    objects = [row for row in rows if not row[3]][:SLOTS]
    boxes = np.zeros((1, SLOTS, 4), np.float32)
    class_ids = np.zeros((1, SLOTS), np.int32)
    scores = np.zeros((1, SLOTS), np.float32)
    hashes = np.zeros((1, SLOTS, 32), np.uint8)
    embeddings = np.zeros((1, SLOTS, DIMS), np.float32)
    for row, (box, score, class_id, _) in enumerate(objects):
        boxes[0, row], scores[0, row], class_ids[0, row] = box, score, class_id
    hashes[0, : len(objects)], embeddings[0, : len(objects)] = embed_boxes(boxes[0, : len(objects)])
    return {
        "object_boxes": boxes,
        "object_class_ids": class_ids,
        "object_scores": scores,
        "num_objects": np.array([[len(objects)]], np.int32),
        "hashes": hashes,
        "embeddings": embeddings,
    }
