"""Replies of a server, made by hand: the toy's scene, its taxonomy, and how both look to a client."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from genod_client import Ancestor, Box, Detection, Detections, ImageSize
from genod_client.operations import InferReply
from genod_client.tensors import Tensor

TOY_REPOSITORY = Path(__file__).parent / "toy_repository"


def _load_scene():
    # By path: the folder of a model version is named "1" and is no package.
    spec = importlib.util.spec_from_file_location("toy_scene", TOY_REPOSITORY / "detect" / "1" / "scene.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_scene = _load_scene()
SCENE, answer_tensors = _scene.SCENE, _scene.answer_tensors

# The same as in toy_repository/detect/config.pbtxt.
TAXONOMY: list[dict[str, Any]] = [
    {"id": 3, "name": "electronics", "parents": []},
    {"id": 7, "name": "development board", "parents": [3]},
    {"id": 20, "name": "ESP8266", "parents": [7]},
    {"id": 31, "name": "Raspberry Pi 3", "parents": [7]},
]
TAXONOMY_JSON = json.dumps(TAXONOMY)

TRITON_TYPES = {"float32": "FP32", "int32": "INT32", "bool": "BOOL"}


def infer_reply(rows=SCENE, image_size=(640, 480), model_version="1"):
    tensors = {
        name: Tensor(TRITON_TYPES[array.dtype.name], array.shape, array.tobytes())
        for name, array in answer_tensors(rows, image_size).items()
    }
    return InferReply(model_version, tensors)


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
