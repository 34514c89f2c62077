"""Replies of a server, made by hand: the toy's scene, its taxonomy, and how both look to a client."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np

from genod_client import (
    Ancestor,
    Attribute,
    Box,
    Detection,
    Detections,
    EmbeddedBox,
    Embeddings,
    FoundObject,
    ImageSize,
    VisualHash,
    VisualSearch,
)
from genod_client.operations import InferReply
from genod_client.tensors import Tensor

TOY_REPOSITORY = Path(__file__).parent / "toy_repository"


def _load(model, name):
    # By path: the folder of a model version is named "1" and is no package.
    spec = importlib.util.spec_from_file_location(f"toy_{name}", TOY_REPOSITORY / model / "1" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_scene = _load("detect", "scene")
SCENE, answer_tensors = _scene.SCENE, _scene.answer_tensors
toy_embedder = _load("embed", "toy_embedder")

# The same as in toy_repository/detect/config.pbtxt.
TAXONOMY: list[dict[str, Any]] = [
    {"id": 3, "name": "electronics", "parents": []},
    {"id": 7, "name": "development board", "parents": [3]},
    {"id": 20, "name": "ESP8266", "parents": [7]},
    {"id": 31, "name": "Raspberry Pi 3", "parents": [7]},
]
TAXONOMY_JSON = json.dumps(TAXONOMY)

# The same as in the config.pbtxt of toy_repository/embed and visual_search.
EMBEDDER_VERSION = "toy-1"
ATTRIBUTES_JSON = json.dumps({"colour": ["red", "green", "blue"], "kind": ["board", "box"]})
PARAMETERS_OF_MODEL = {
    "detect": {"taxonomy": TAXONOMY_JSON},
    "visual_search": {"taxonomy": TAXONOMY_JSON, "embedder_version": EMBEDDER_VERSION},
    "embed": {"embedder_version": EMBEDDER_VERSION, "attributes": ATTRIBUTES_JSON},
}

TRITON_TYPES = {"float32": "FP32", "int32": "INT32", "bool": "BOOL", "uint8": "UINT8"}


def reply_of(arrays, model_version="1"):
    tensors = {
        name: Tensor(TRITON_TYPES[array.dtype.name], array.shape, array.tobytes()) for name, array in arrays.items()
    }
    return InferReply(model_version, tensors)


def infer_reply(rows=SCENE, image_size=(640, 480), model_version="1"):
    return reply_of(answer_tensors(rows, image_size), model_version)


def visual_search_reply(rows=SCENE, image_size=(640, 480), model_version="1"):
    return reply_of({**answer_tensors(rows, image_size), **toy_embedder.object_tensors(rows)}, model_version)


def embed_reply(boxes, image_size=(640, 480), model_version="1"):
    return reply_of(toy_embedder.embed_tensors(boxes, image_size), model_version)


def reply_to(operation, rows=SCENE):
    """The reply of any of the three models to an `Infer`."""
    match operation.model.name:
        case "visual_search":
            return visual_search_reply(rows)
        case "embed":
            return embed_reply(boxes_in(operation.more_inputs["boxes"].data))
    return infer_reply(rows)


def boxes_in(data):
    """The boxes of a serialised input tensor, as an array [N, 4]."""
    return np.frombuffer(data, np.float32).reshape(-1, 4)


def expected_detections():
    """The scene as a client must return it, derived from the arrays row by row."""
    arrays = answer_tensors(SCENE, (640, 480))
    class_by_id = {class_["id"]: class_ for class_ in TAXONOMY}

    def ancestors(class_id):
        chain = []
        while parents := class_by_id[class_id]["parents"]:
            (class_id,) = parents
            chain.append(Ancestor(class_id, class_by_id[class_id]["name"]))
        return tuple(chain)

    rows = []
    for row in range(len(SCENE)):
        class_id = int(arrays["class_ids"][0, row])
        rows.append(
            Detection(
                box=Box(*(float(edge) for edge in arrays["boxes"][0, row])),
                score=float(arrays["scores"][0, row]),
                name=class_by_id[class_id]["name"],
                class_id=class_id,
                ancestors=ancestors(class_id),
                is_propagated=bool(arrays["is_propagated"][0, row]),
            )
        )
    return Detections(ImageSize(640, 480), tuple(rows), "1")


def expected_visual_search():
    """The scene as `visual_search` must return it: the unpropagated rows are its objects."""
    detections = expected_detections()
    objects = []
    for row in detections:
        if not row.is_propagated:
            hashes, embeddings = toy_embedder.embed_boxes([row.box])
            objects.append(
                FoundObject(
                    box=row.box,
                    hash=VisualHash(hashes[0].tobytes(), EMBEDDER_VERSION),
                    embedding_data=embeddings[0].tobytes(),
                    score=row.score,
                    name=row.name,
                    class_id=row.class_id,
                    ancestors=row.ancestors,
                )
            )
    return VisualSearch(detections, tuple(objects), EMBEDDER_VERSION)


def expected_embeddings(*boxes):
    """Boxes, whose coordinates float32 holds exactly, as `embed` must return them."""
    scores = [float(np.float32(score)) for score in (0.7, 0.2, 0.1, 0.9, 0.05)]
    names = ["blue", "red", "green", "board", "box"]
    heads = ["colour"] * 3 + ["kind"] * 2
    attributes = tuple(Attribute(*row) for row in zip(heads, names, scores, strict=True))
    rows = []
    for box in boxes:
        hashes, embeddings = toy_embedder.embed_boxes([box])
        rows.append(
            EmbeddedBox(
                box=Box(*box),
                hash=VisualHash(hashes[0].tobytes(), EMBEDDER_VERSION),
                embedding_data=embeddings[0].tobytes(),
                attributes=attributes,
            )
        )
    return Embeddings(ImageSize(640, 480), tuple(rows), "1", EMBEDDER_VERSION)
