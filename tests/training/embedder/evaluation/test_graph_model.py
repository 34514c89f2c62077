import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, parser
from PIL import Image

from training.embedder.evaluation.errors import EvaluationError
from training.embedder.evaluation.graph_model import GraphModel

# The mean colour of the canvas as the embedding and, as bytes, as the hash; the strongest colours as labels.
GRAPH = """
<ir_version: 9, opset_import: ["" : 19]>
colours (uint8[b, h, w, 3] object_canvas, float[b, 2] canvas_to_image_objects, float[b, n, 4] boxes)
  => (uint8[b, 1, 3] hashes, float[b, 1, 3] embeddings, int32[b, 1, 2] attribute_colour_ids,
      float[b, n, 4] boxes_on_canvas)
{
  pixels = Cast <to = 1> (object_canvas)
  within = Constant <value = int64[2] {1, 2}> ()
  mean = ReduceMean <keepdims = 0> (pixels, within)
  one = Constant <value = int64[1] {1}> ()
  two = Constant <value = int64[1] {2}> ()
  embeddings = Unsqueeze (mean, one)
  hashes = Cast <to = 2> (embeddings)
  values, best = TopK (embeddings, two)
  attribute_colour_ids = Cast <to = 6> (best)
  factor = Concat <axis = 1> (canvas_to_image_objects, canvas_to_image_objects)
  factor_per_image = Unsqueeze (factor, one)
  boxes_on_canvas = Div (boxes, factor_per_image)
}
"""


@pytest.fixture
def graph(tmp_path) -> Path:
    model = parser.parse_model(GRAPH)
    labels = {"colour": ["red", "green", "blue"]}
    helper.set_model_props(model, {"attributes": json.dumps(labels), "embedder_version": "v1"})
    path = tmp_path / "embedder" / "3" / "model.onnx"
    path.parent.mkdir(parents=True)
    onnx.save(model, path)
    return path


def test_each_image_is_a_photo_with_one_box(graph) -> None:
    model = GraphModel(graph)
    found = model.embed([Image.new("RGB", (30, 20), (250, 10, 20)), Image.new("RGB", (5, 9), (1, 2, 200))])

    np.testing.assert_allclose(found.embeddings, [[250, 10, 20], [1, 2, 200]])
    assert found.hashes.tolist() == [[250, 10, 20], [1, 2, 200]]
    assert found.best_labels == {"colour": ["red", "blue"]}
    assert model.labels_of_head == {"colour": ["red", "green", "blue"]}
    assert model.name == "embedder 3 (v1)"


def test_a_large_photo_is_brought_to_the_canvas_and_its_box_says_by_how_much(graph) -> None:
    answer = GraphModel(graph)._run(Image.new("RGB", (3000, 1000)))
    np.testing.assert_allclose(answer["boxes_on_canvas"], [[[0, 0, 1334, 445]]], rtol=1e-5)


def test_another_graph_is_refused_by_what_it_lacks(graph) -> None:
    model = onnx.load(graph)
    model.graph.output.pop(0)
    onnx.save(model, graph)
    with pytest.raises(EvaluationError, match="has no hashes: it is no graph of an embedder"):
        GraphModel(graph)
    graph.write_bytes(b"nothing")
    with pytest.raises(EvaluationError, match="no graph that ONNX Runtime can run"):
        GraphModel(graph)
