"""The exported graph against the loops of `label_propagation_oracle`, bit for bit."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.export.label_propagation_oracle import Candidate, Image, propagate_labels
from tests.training.taxonomy.taxonomies import random_taxonomy, taxonomy_of
from training.export.label_propagation import (
    DEFAULT_SETTINGS,
    PropagationSettings,
    build_label_propagation,
    export_label_propagation,
)
from training.taxonomy import Taxonomy, load_taxonomy

TWO_HEADS = ("head_generic", "head_electronics")
OUTPUTS = ("boxes", "scores", "class_ids", "is_propagated", "num_detections")
SMALL = PropagationSettings(candidates_per_head=12, max_detections=10)
NOTHING = Candidate((0, 0), (0, 0, 0, 0), 0.0, 0)

ANIMALS = taxonomy_of({"animal": [], "carnivore": ["animal"], "pet": ["animal"], "cat": ["carnivore", "pet"]})
ANIMAL, CARNIVORE, PET, CAT = 1, 2, 3, 4
SQUARE = ((100, 100), (50, 50, 50, 50))  # a box of 100 x 100 around (100, 100)
ELSEWHERE = ((300, 300), (50, 50, 50, 50))


class Graph:
    """A built graph behind ONNX Runtime, fed with images of any number of candidates."""

    def __init__(self, taxonomy: Taxonomy, heads: Sequence[str], numbers: PropagationSettings, taken_over=None) -> None:
        self.taxonomy, self.heads, self.numbers, self.taken_over = taxonomy, heads, numbers, taken_over or {}
        model = build_label_propagation(taxonomy, heads, numbers, taken_over=self.taken_over)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def run(self, images: Sequence[Image]) -> dict[str, np.ndarray]:
        feed = {
            "canvas_to_image": np.array([image.canvas_to_image for image in images], np.float32),
            "image_size": np.array([image.image_size for image in images], np.int32),
        }
        for h, head in enumerate(self.heads):
            rows = [self._padded(image.candidates_per_head[h]) for image in images]
            feed[f"{head}_locations"] = np.array([[c.location for c in row] for row in rows], np.float32)
            feed[f"{head}_distances"] = np.array([[c.distances for c in row] for row in rows], np.float32)
            feed[f"{head}_scores"] = np.array([[c.score for c in row] for row in rows], np.float32)
            feed[f"{head}_class_ids"] = np.array([[c.class_id for c in row] for row in rows], np.int32)
        return dict(zip(OUTPUTS, self.session.run(OUTPUTS, feed), strict=True))

    def assert_equals_oracle(self, images: Sequence[Image]) -> dict[str, np.ndarray]:
        actual = self.run(images)
        for i, image in enumerate(images):
            taken_over_per_head = [self.taken_over.get(head, ()) for head in self.heads]
            labels = propagate_labels(image, self.taxonomy, self.numbers, taken_over_per_head)
            rows = self.numbers.max_detections
            expected = {
                "boxes": np.zeros((rows, 4), np.float32),
                "scores": np.zeros(rows, np.float32),
                "class_ids": np.zeros(rows, np.int32),
                "is_propagated": np.zeros(rows, np.bool_),
                "num_detections": np.array([len(labels)], np.int32),
            }
            for row, label in enumerate(labels):
                expected["boxes"][row] = label.box
                expected["scores"][row] = label.score
                expected["class_ids"][row] = label.class_id
                expected["is_propagated"][row] = label.is_propagated
            for name in OUTPUTS:
                assert actual[name].dtype == expected[name].dtype
                np.testing.assert_array_equal(actual[name][i], expected[name], err_msg=f"{name} of image {i}")
        return actual

    def labels_of(self, *candidates_per_head: Sequence[Candidate], **image_fields) -> list[tuple[int, bool, float]]:
        """Class, is_propagated and score of every row for one image, which the oracle agrees with."""
        outputs = self.assert_equals_oracle([Image(tuple(map(tuple, candidates_per_head)), **image_fields)])
        count = outputs["num_detections"][0, 0]
        return [
            (int(class_id), bool(is_propagated), round(float(score), 4))
            for class_id, is_propagated, score in zip(
                outputs["class_ids"][0, :count],
                outputs["is_propagated"][0, :count],
                outputs["scores"][0, :count],
                strict=True,
            )
        ]

    def _padded(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return [*candidates, *[NOTHING] * (self.numbers.candidates_per_head - len(candidates))]


@cache
def animal_graph() -> Graph:
    return Graph(ANIMALS, ["head"], SMALL)


@cache
def shipped_graph() -> Graph:
    return Graph(load_taxonomy(), TWO_HEADS, DEFAULT_SETTINGS)


def random_image(rng: np.random.Generator, graph: Graph, num_candidates: int, num_objects: int) -> Image:
    """Heads that answer as heads do: many like boxes around few objects, some of equal score."""
    known_ids = [category.id for category in graph.taxonomy]
    width, height = (int(side) for side in rng.integers(200, 2000, size=2))
    factor = max(width / 672, height / 416)
    centers = rng.uniform(0, [672, 416], size=(num_objects, 2))
    sides = rng.uniform(10, 150, size=(num_objects, 2))
    classes = rng.choice(known_ids, size=num_objects)
    heads = []
    for _ in graph.heads:
        candidates = []
        for _ in range(num_candidates):
            o = rng.integers(num_objects)
            x, y = centers[o] + rng.choice([-8, 0, 0, 8], size=2)
            left_top, right_bottom = sides[o] / 2 + rng.choice([-4, 0, 0, 4], size=(2, 2))
            class_id = classes[o] if rng.random() < 0.8 else rng.choice([*known_ids, 0, -3, 10**6])
            score = rng.choice([0.04, float(np.float32(0.05)), *np.linspace(0.06, 0.9, 12)])
            candidates.append(
                Candidate((x, y), (*np.abs(left_top), *np.abs(right_bottom)), float(score), int(class_id))
            )
        heads.append(tuple(candidates))
    return Image(tuple(heads), canvas_to_image=(factor, factor * 1.01), image_size=(width, height))


@pytest.mark.parametrize("batch", [1, 3, 16])
@pytest.mark.parametrize("seed", range(6))
def test_equals_the_oracle_on_random_taxonomies(seed, batch):
    rng = np.random.default_rng([seed, batch])
    taxonomy = random_taxonomy(rng, num_categories=int(rng.integers(1, 40)))
    heads = [f"head_{i}" for i in range(int(rng.integers(1, 4)))]
    numbers = PropagationSettings(
        score_threshold=float(rng.choice([0.0, 0.05, 0.3])),
        iou_threshold=float(rng.choice([0.0, 0.5, 0.6, 1.0])),
        max_detections=int(rng.integers(1, 30)),
        candidates_per_head=40,
    )
    ids = [category.id for category in taxonomy]
    taken_over = {head: rng.choice(ids, size=len(ids) // 3, replace=False).tolist() for head in heads[1:]}
    graph = Graph(taxonomy, heads, numbers, taken_over)
    for num_objects in (1, 5, 20):
        graph.assert_equals_oracle(
            [random_image(rng, graph, int(rng.integers(0, 41)), num_objects) for _ in range(batch)]
        )


@pytest.mark.parametrize("batch", [1, 3])
def test_equals_the_oracle_at_full_size_on_the_shipped_taxonomy(batch):
    rng = np.random.default_rng(batch)
    images = [random_image(rng, shipped_graph(), num_candidates=1000, num_objects=60) for _ in range(batch)]
    outputs = shipped_graph().assert_equals_oracle(images)
    assert outputs["num_detections"].min() == 300


corners = st.sampled_from([0, 1, 4, 5, 7, 8])
small_candidates = st.builds(
    Candidate,
    location=st.tuples(corners, corners),
    distances=st.tuples(corners, corners, corners, corners),
    score=st.sampled_from([0.05, 0.1, 0.2, 0.3]),
    class_id=st.sampled_from([ANIMAL, CARNIVORE, PET, CAT]),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(small_candidates, max_size=SMALL.candidates_per_head))
def test_equals_the_oracle_where_almost_everything_ties(candidates):
    animal_graph().assert_equals_oracle([Image((tuple(candidates),), image_size=(9, 9))])


def test_an_image_gives_the_same_bits_alone_and_in_any_batch():
    rng = np.random.default_rng(7)
    images = [
        random_image(rng, shipped_graph(), num_candidates, num_objects=10)
        for num_candidates in (0, 1, 5, 40, 0, 100, 3, 200, 80, 10, 7, 0, 60, 1, 90, 150)
    ]
    together = shipped_graph().run(images)
    for i, image in enumerate(images):
        alone = shipped_graph().run([image])
        for name in OUTPUTS:
            assert alone[name][0].tobytes() == together[name][i].tobytes()


def test_no_candidate_above_the_threshold_gives_no_detection():
    at_the_threshold = Candidate(*SQUARE, score=float(np.float32(0.05)), class_id=CAT)
    assert animal_graph().labels_of([]) == []
    assert animal_graph().labels_of([at_the_threshold]) == []


def test_a_detection_reaches_a_common_ancestor_once_and_specific_classes_come_first():
    assert animal_graph().labels_of([Candidate(*SQUARE, 0.9, CAT)]) == [
        (CAT, False, 0.9),
        (CARNIVORE, True, 0.9),
        (PET, True, 0.9),
        (ANIMAL, True, 0.9),
    ]


def test_an_ancestor_that_is_near_by_one_path_and_far_by_another_comes_after_all_its_descendants():
    shortcut = taxonomy_of({"thing": [], "device": ["thing"], "computer": ["device"], "laptop": ["thing", "computer"]})
    labels = Graph(shortcut, ["head"], SMALL).labels_of([Candidate(*SQUARE, 0.9, 4)])
    assert [class_id for class_id, _, _ in labels] == [4, 3, 2, 1]


def test_the_better_of_a_native_ancestor_and_a_copy_wins():
    cat, better_animal = Candidate(*SQUARE, 0.6, CAT), Candidate(*SQUARE, 0.8, ANIMAL)
    labels = animal_graph().labels_of([cat, better_animal])
    assert labels == [(ANIMAL, False, 0.8), (CAT, False, 0.6), (CARNIVORE, True, 0.6), (PET, True, 0.6)]

    worse_animal = Candidate(*SQUARE, 0.4, ANIMAL)
    assert (ANIMAL, False, 0.4) not in animal_graph().labels_of([cat, worse_animal])


def test_of_an_equal_native_ancestor_and_copy_the_earlier_candidate_wins():
    cat, animal = Candidate(*SQUARE, 0.6, CAT), Candidate(*SQUARE, 0.6, ANIMAL)
    assert (ANIMAL, True, 0.6) in animal_graph().labels_of([cat, animal])
    assert (ANIMAL, False, 0.6) in animal_graph().labels_of([animal, cat])


def test_two_siblings_on_one_box_share_the_label_of_their_parent():
    labels = animal_graph().labels_of([Candidate(*SQUARE, 0.7, PET), Candidate(*SQUARE, 0.6, CARNIVORE)])
    assert labels == [(PET, False, 0.7), (ANIMAL, True, 0.7), (CARNIVORE, False, 0.6)]


def test_equal_scores_on_one_box_keep_the_first_candidate():
    shifted = ((101, 100), (50, 50, 50, 50))
    first, second = Candidate(*SQUARE, 0.5, PET), Candidate(*shifted, 0.5, PET)
    for candidates in ([first, second], [second, first]):
        outputs = animal_graph().assert_equals_oracle([Image((tuple(candidates),))])
        assert outputs["num_detections"][0, 0] == 2
        assert outputs["boxes"][0, 0, 0] == candidates[0].location[0] - 50


def test_all_equal_scores_keep_the_order_of_the_candidates():
    numbers = PropagationSettings(candidates_per_head=100, max_detections=100)
    row = [Candidate((20 * i, 10), (5, 5, 5, 5), 0.5, ANIMAL) for i in range(1, 100)]
    outputs = Graph(ANIMALS, ["head"], numbers).assert_equals_oracle([Image((tuple(row),), image_size=(9999, 99))])
    assert outputs["boxes"][0, :99, 0].tolist() == [20 * i - 5 for i in range(1, 100)]


def test_boxes_that_overlap_exactly_at_the_threshold_both_stay():
    left, right = Candidate((0, 0), (0, 0, 4, 1), 0.9, ANIMAL), Candidate((1, 0), (0, 0, 4, 1), 0.8, ANIMAL)
    assert len(animal_graph().labels_of([left, right])) == 2  # 3 / 5 is 0.6


def test_boxes_of_one_class_that_do_not_overlap_both_reach_the_ancestor():
    labels = animal_graph().labels_of([Candidate(*SQUARE, 0.9, PET), Candidate(*ELSEWHERE, 0.9, PET)])
    assert labels == [(PET, False, 0.9), (ANIMAL, True, 0.9), (PET, False, 0.9), (ANIMAL, True, 0.9)]


def test_boxes_are_scaled_to_the_image_and_clipped_to_it():
    outputs = animal_graph().assert_equals_oracle(
        [Image(((Candidate((90, 20), (100, 10, 40, 10), 0.9, ANIMAL),),), (2.0, 3.0), image_size=(200, 400))]
    )
    assert outputs["boxes"][0, 0].tolist() == [0, 30, 200, 90]


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(Candidate((700, 100), (50, 50, 50, 50), 0.9, CAT), id="right of the image"),
        pytest.param(Candidate((100, -60), (50, 50, 50, 50), 0.9, CAT), id="above the image"),
        pytest.param(Candidate((100, 100), (0, 50, 0, 50), 0.9, CAT), id="no width"),
        pytest.param(Candidate((100, 100), (50, 0, 50, 0), 0.9, CAT), id="no height"),
        pytest.param(Candidate(*SQUARE, float("nan"), CAT), id="score is NaN"),
        pytest.param(Candidate(*SQUARE, float("inf"), CAT), id="score is infinite"),
        pytest.param(Candidate(*SQUARE, float("-inf"), CAT), id="score is minus infinite"),
        pytest.param(Candidate((float("nan"), 100), (50, 50, 50, 50), 0.9, CAT), id="location is NaN"),
        pytest.param(Candidate((100, 100), (50, 50, float("inf"), 50), 0.9, CAT), id="distance is infinite"),
        pytest.param(Candidate((100, 100), (50, float("nan"), 50, 50), 0.9, CAT), id="distance is NaN"),
        pytest.param(Candidate(*SQUARE, 0.9, 0), id="padding id"),
        pytest.param(Candidate(*SQUARE, 0.9, -1), id="negative id"),
        pytest.param(Candidate(*SQUARE, 0.9, 5), id="id after the last"),
        pytest.param(Candidate(*SQUARE, 0.9, 2**31 - 1), id="largest id"),
    ],
)
def test_a_candidate_that_shows_nothing_is_dropped_and_its_neighbours_are_not(candidate):
    assert animal_graph().labels_of([candidate]) == []
    neighbour = Candidate(*SQUARE, 0.5, ANIMAL)
    assert animal_graph().labels_of([candidate, neighbour]) == [(ANIMAL, False, 0.5)]


def test_ids_need_not_be_contiguous():
    sparse = taxonomy_of({"animal": [], "cat": ["animal"]}, ids=[4000, 7])
    labels = Graph(sparse, ["head"], SMALL).labels_of([Candidate(*SQUARE, 0.9, 7), Candidate(*ELSEWHERE, 0.8, 8)])
    assert labels == [(7, False, 0.9), (4000, True, 0.9)]


def test_candidates_of_several_heads_are_merged_by_score_and_then_by_head():
    graph = Graph(ANIMALS, TWO_HEADS, SMALL)
    labels = graph.labels_of([Candidate(*SQUARE, 0.5, PET)], [Candidate(*ELSEWHERE, 0.6, PET)])
    assert labels == [(PET, False, 0.6), (ANIMAL, True, 0.6), (PET, False, 0.5), (ANIMAL, True, 0.5)]
    labels = graph.labels_of([Candidate(*SQUARE, 0.5, PET)], [Candidate(*SQUARE, 0.5, CARNIVORE)])
    assert labels == [(PET, False, 0.5), (ANIMAL, True, 0.5), (CARNIVORE, False, 0.5)]


def test_a_class_that_another_head_has_taken_over_is_dropped_from_the_older_head_alone():
    graph = Graph(ANIMALS, ["old", "new"], SMALL, {"old": [CAT]})
    old_cat, old_pet = Candidate(*SQUARE, 0.9, CAT), Candidate(*ELSEWHERE, 0.7, PET)
    assert graph.labels_of([old_cat, old_pet], [Candidate(*SQUARE, 0.4, CAT)]) == [
        (PET, False, 0.7),
        (ANIMAL, True, 0.7),
        (CAT, False, 0.4),
        (CARNIVORE, True, 0.4),
        (PET, True, 0.4),
        (ANIMAL, True, 0.4),
    ]


@pytest.mark.parametrize(
    ("taken_over", "message"),
    [({"heed": [CAT]}, "classes of 'heed' are taken over, but the heads are head"), ({"head": [99]}, r"\[99\], which")],
)
def test_taking_over_from_nobody_or_nothing_is_refused(taken_over, message):
    with pytest.raises(ValueError, match=message):
        build_label_propagation(ANIMALS, ["head"], taken_over=taken_over)


def test_no_more_than_the_best_300_labels_come_out():
    grid = [Candidate((20 * (i % 30) + 10, 20 * (i // 30) + 10), (8, 8, 8, 8), 0.9 - i / 4000, 40) for i in range(600)]
    outputs = shipped_graph().assert_equals_oracle([Image((tuple(grid), ()))])
    assert outputs["num_detections"][0, 0] == 300
    # car, motor vehicle, land vehicle, vehicle: 75 cars fill the result.
    assert np.unique(outputs["boxes"][0], axis=0).shape[0] == 75


def test_no_more_than_the_best_300_detections_are_copied():
    numbers = PropagationSettings(candidates_per_head=20, max_detections=3)
    row = [Candidate((20 * i, 10), (5, 5, 5, 5), 0.5 + i / 100, ANIMAL) for i in range(1, 10)]
    labels = Graph(ANIMALS, ["head"], numbers).labels_of(row)
    assert [score for _, _, score in labels] == [0.59, 0.58, 0.57]


def test_detections_suppressed_at_the_ancestor_make_room_for_others():
    numbers = PropagationSettings(candidates_per_head=10, max_detections=4)
    candidates = [
        Candidate(*SQUARE, 0.9, PET),
        Candidate(*SQUARE, 0.8, CARNIVORE),
        Candidate(*ELSEWHERE, 0.7, ANIMAL),
        Candidate(*SQUARE, 0.6, ANIMAL),
    ]
    labels = Graph(ANIMALS, ["head"], numbers).labels_of(candidates)
    assert labels == [(PET, False, 0.9), (ANIMAL, True, 0.9), (CARNIVORE, False, 0.8), (ANIMAL, False, 0.7)]


def test_inputs_and_outputs_are_the_contract():
    def described(values):
        return {
            value.name: (
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
                [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim],
            )
            for value in values
        }

    graph = build_label_propagation(load_taxonomy(), TWO_HEADS).graph
    expected_inputs = {}
    for head in TWO_HEADS:
        expected_inputs[f"{head}_locations"] = ("float32", ["batch", 1000, 2])
        expected_inputs[f"{head}_distances"] = ("float32", ["batch", 1000, 4])
        expected_inputs[f"{head}_scores"] = ("float32", ["batch", 1000])
        expected_inputs[f"{head}_class_ids"] = ("int32", ["batch", 1000])
    expected_inputs["canvas_to_image"] = ("float32", ["batch", 2])
    expected_inputs["image_size"] = ("int32", ["batch", 2])
    assert described(graph.input) == expected_inputs
    assert list(described(graph.input)) == list(expected_inputs)
    assert described(graph.output) == {
        "boxes": ("float32", ["batch", 300, 4]),
        "scores": ("float32", ["batch", 300]),
        "class_ids": ("int32", ["batch", 300]),
        "is_propagated": ("bool", ["batch", 300]),
        "num_detections": ("int32", ["batch", 1]),
    }


def test_only_operators_of_tensorrts_parser_are_used():
    listed = {
        "Abs", "Add", "And", "Cast", "Concat", "ConstantOfShape", "Div", "Expand", "Gather",
        "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "LessOrEqual", "Max", "Min",
        "Mul", "NonMaxSuppression", "NonZero", "ReduceMax", "ReduceMin", "ReduceSum", "Reshape",
        "ScatterElements", "ScatterND", "Shape", "Split", "Squeeze", "Sub", "TopK", "Transpose",
        "Unsqueeze", "Where",
    }  # fmt: skip
    model = build_label_propagation(load_taxonomy(), TWO_HEADS)
    assert {node.op_type for node in model.graph.node} <= listed
    assert model.opset_import[0].version <= 19


def test_export_writes_the_model_its_metadata_and_the_taxonomy(tmp_path):
    folder = tmp_path / "label_propagation" / "1"
    export_label_propagation(folder, ANIMALS, ["head"])
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx", "taxonomy.json"]
    taxonomy_text = (folder / "taxonomy.json").read_bytes()
    assert json.loads(taxonomy_text)[3] == {"id": CAT, "name": "cat", "parents": [CARNIVORE, PET]}
    properties = {p.key: p.value for p in onnx.load(folder / "model.onnx").metadata_props}
    assert properties == {
        "heads": '["head"]',
        "taken_over": "{}",
        "taxonomy_sha256": hashlib.sha256(taxonomy_text).hexdigest(),
        "score_threshold": "0.05",
        "iou_threshold": "0.6",
        "max_detections": "300",
        "candidates_per_head": "1000",
    }


def test_export_is_reproducible_to_the_byte(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        export_label_propagation(folder, load_taxonomy(), TWO_HEADS)
    for name in ("model.onnx", "taxonomy.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("head_names", "message"),
    [([], "at least one head"), (["a", "a"], "its own name"), (["head generic"], "letters, digits")],
)
def test_head_names_that_cannot_name_tensors_are_refused(head_names, message):
    with pytest.raises(ValueError, match=message):
        build_label_propagation(ANIMALS, head_names)


def test_an_empty_taxonomy_is_refused():
    with pytest.raises(ValueError, match="no category"):
        build_label_propagation(Taxonomy(()), ["head"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("score_threshold", -0.1), ("score_threshold", 1.0), ("iou_threshold", 1.1), ("max_detections", 0),
     ("max_detections", 1001)],
)  # fmt: skip
def test_settings_out_of_range_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        PropagationSettings(**{field: value})
