import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from ensembles.fused.errors import CannotFuse
from ensembles.fused.graph import GraphStep, join_graphs


def write_graph(path, nodes, inputs, outputs, *, opset=19, initializers=(), metadata=None):
    """A graph of float vectors."""

    def tensors(names):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in names]

    graph = helper.make_graph(nodes, path.stem, tensors(inputs), tensors(outputs), initializer=list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path


def scalar(name, value):
    return helper.make_tensor(name, TensorProto.FLOAT, [], [value])


@pytest.fixture
def steps(tmp_path):
    """trunk: y = 2x; two heads with the same inner names: z = y + 10 and z = y + 20; last: their difference times x."""
    trunk = write_graph(
        tmp_path / "trunk.onnx",
        [helper.make_node("Mul", ["x", "k"], ["y"])],
        ["x"],
        ["y"],
        initializers=[scalar("k", 2.0)],
    )
    heads = [
        write_graph(
            tmp_path / f"head_{name}.onnx",
            [helper.make_node("Add", ["y", "k"], ["z"]), helper.make_node("Neg", ["z"], ["unread"])],
            ["y"],
            ["z", "unread"],
            initializers=[scalar("k", value)],
            metadata={"class_ids": f"[{value:g}]"},
        )
        for name, value in (("a", 10.0), ("b", 20.0))
    ]
    last = write_graph(
        tmp_path / "last.onnx",
        [helper.make_node("Sub", ["first", "second"], ["d"]), helper.make_node("Mul", ["d", "x"], ["answer"])],
        ["first", "second", "x"],
        ["answer"],
    )
    return [
        GraphStep(name="trunk", path=trunk, inputs={"x": "x"}, outputs={"y": "y"}),
        GraphStep(name="head_a", path=heads[0], inputs={"y": "y"}, outputs={"z": "a_z"}),
        GraphStep(name="head_b", path=heads[1], inputs={"y": "y"}, outputs={"z": "b_z"}),
        GraphStep(
            name="last",
            path=last,
            inputs={"first": "a_z", "second": "b_z", "x": "x"},
            outputs={"answer": "answer"},
        ),
    ]


def test_the_joined_graph_computes_what_the_steps_compute_one_after_another(steps):
    joined = join_graphs(steps, outputs=["answer", "a_z"], name="joined")
    session = onnxruntime.InferenceSession(joined.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    answer, a_z = session.run(["answer", "a_z"], {"x": x})
    np.testing.assert_array_equal(answer, ((2 * x + 10) - (2 * x + 20)) * x)
    np.testing.assert_array_equal(a_z, 2 * x + 10)


def test_it_reads_each_tensor_once_and_gives_what_was_asked_for_in_that_order(steps):
    joined = join_graphs(steps, outputs=["answer", "a_z"], name="joined")
    assert [tensor.name for tensor in joined.graph.input] == ["x"]
    assert [tensor.name for tensor in joined.graph.output] == ["answer", "a_z"]


def test_metadata_stays_under_the_name_of_its_model(steps):
    joined = join_graphs(steps, outputs=["answer"], name="joined")
    assert {prop.key: prop.value for prop in joined.metadata_props} == {
        "head_a.class_ids": "[10]",
        "head_b.class_ids": "[20]",
    }


def test_graphs_of_different_opsets_are_refused_by_name(steps, tmp_path):
    other = write_graph(tmp_path / "other.onnx", [helper.make_node("Neg", ["y"], ["n"])], ["y"], ["n"], opset=17)
    step = GraphStep(name="other", path=other, inputs={"y": "y"}, outputs={"n": "n"})
    with pytest.raises(CannotFuse, match="17 in other; 19 in head_a, head_b, last, trunk"):
        join_graphs([*steps, step], outputs=["n"], name="joined")
