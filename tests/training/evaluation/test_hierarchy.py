"""Expansion over a hierarchy: the cases of tensorflow/models, and what a file can get wrong."""

import json

import numpy as np
import pytest

from training.evaluation.errors import HierarchyError
from training.evaluation.federation import expand_verified
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.openimages_protocol import evaluate_openimages

TREE = {"LabelName": "/m/root", "Subcategory": [{"LabelName": "/m/animal", "Subcategory": [{"LabelName": "/m/cat"}]}]}


def categories(*names):
    return [{"id": index, "name": name} for index, name in enumerate(names)]


def test_the_published_boxes_are_expanded_to_all_ancestors_but_the_root(genod_data):
    cases = json.loads((genod_data / "reference/openimages/hierarchy_expansion_cases.json").read_text())
    hierarchy = ClassHierarchy.from_tree(cases["hierarchy"])
    rows = set()
    for row in cases["boxes"]["input"]:
        cells = row.split(",")
        for label in {cells[2]} | hierarchy.ancestors(cells[2]):
            rows.add(",".join([*cells[:2], label, *cells[3:]]))
    assert rows == set(cases["boxes"]["expected_any_order"])


def test_the_published_image_labels_go_up_where_there_is_a_box_and_down_where_there_is_none(genod_data):
    cases = json.loads((genod_data / "reference/openimages/hierarchy_expansion_cases.json").read_text())
    hierarchy = ClassHierarchy.from_tree(cases["hierarchy"])
    labels = [row.split(",") for row in cases["image_labels"]["input"]]
    names = sorted("abcdef")  # the root is a category here, and must stay out of it
    images = sorted({image for image, *_ in labels})
    document = {
        "categories": [{"id": name, "name": name} for name in names],
        "images": [{"id": i, "verified_category_ids": [n for image, _, n, _ in labels if image == i]} for i in images],
        "annotations": [
            {"image_id": image, "category_id": name, "bbox": [0, 0, 1, 1]}
            for image, _, name, present in labels
            if present == "1"
        ],
    }
    ground_truth = GroundTruth.parse(document)
    ancestors = hierarchy.ancestors_of_categories(ground_truth.categories)
    boxed = [
        (i, k)
        for i, c in zip(ground_truth.image_of_object, ground_truth.category_of_object, strict=True)
        for k in {int(c)} | ancestors[c]
    ]
    verified = expand_verified(
        ground_truth, np.array([i for i, _ in boxed]), np.array([k for _, k in boxed]), ancestors
    )
    assert verified is not None
    ours = {(images[i], names[k]) for i, k in np.argwhere(verified)}
    expected = {tuple(row.split(",")[j] for j in (0, 2)) for row in cases["image_labels"]["expected_any_order"]}
    assert ours == expected


def test_the_600_classes_of_openimages_are_read_with_several_parents_and_without_parts(genod_data):
    path = genod_data / "reference/openimages/bbox_labels_600_hierarchy.json"
    hierarchy = ClassHierarchy.load(path)

    parents: dict[str, set] = {}

    def walk(node, parent):
        parents.setdefault(node["LabelName"], set()).add(parent)
        for child in node.get("Subcategory", []):
            walk(child, node["LabelName"])

    walk(json.loads(path.read_text()), None)
    root = json.loads(path.read_text())["LabelName"]

    def above(label):
        direct = parents[label] - {None, root}
        return direct.union(*(above(parent) for parent in direct))

    assert sum(len(p) > 1 for p in parents.values()) >= 45
    for label in parents:
        if label != root:
            assert hierarchy.ancestors(label) == above(label), label


def test_categories_are_found_by_name_by_mid_and_by_the_descriptions_beside_the_file(tmp_path):
    (tmp_path / "hierarchy.json").write_text(json.dumps(TREE))
    (tmp_path / "class-descriptions-boxable.csv").write_text("/m/animal,Animal\n/m/cat,Cat\n")
    hierarchy = ClassHierarchy.load(tmp_path / "hierarchy.json")
    by_label = categories("/m/cat", "/m/animal")
    by_mid = [{"id": 0, "name": "pussycat", "freebase_id": "/m/cat"}, {"id": 1, "name": "beast", "mid": "/m/animal"}]
    for found in (by_label, by_mid, categories("Cat", "Animal")):
        assert hierarchy.ancestors_of_categories(found) == [frozenset({1}), frozenset()]


def test_a_label_that_is_no_category_is_stepped_over():
    hierarchy = ClassHierarchy.from_parents({"cat": ["carnivore"], "carnivore": ["animal"]})
    assert hierarchy.ancestors_of_categories(categories("animal", "cat")) == [frozenset(), frozenset({0})]


def test_a_category_that_the_hierarchy_lacks_stays_as_it_is():
    hierarchy = ClassHierarchy.from_parents({"cat": ["animal"]})
    assert hierarchy.ancestors_of_categories(categories("cup", "cat")) == [frozenset(), frozenset()]


def test_part_is_no_kind_of():
    tree = {"LabelName": "root", "Subcategory": [{"LabelName": "human", "Part": [{"LabelName": "eye"}]}]}
    assert ClassHierarchy.from_tree(tree).ancestors("eye") == frozenset()


def test_the_root_is_no_class():
    objects = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}]
    ground_truth = {
        "images": [{"id": 1}],
        "categories": categories("/m/root", "/m/cat", "/m/animal"),
        "annotations": objects,
    }
    metrics = evaluate_openimages(ground_truth, [], hierarchy=ClassHierarchy.from_tree(TREE))
    assert metrics.AP50_per_class == {"/m/cat": 0, "/m/animal": 0}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], '"LabelName"'),
        ({"LabelName": "a", "Subcategory": [{"Label": "b"}]}, '"LabelName"'),
        ({"LabelName": "a", "Subcategory": {"LabelName": "b"}}, "must be a list"),
        (
            {"LabelName": "r", "Subcategory": [{"LabelName": "a", "Subcategory": [
                {"LabelName": "b", "Subcategory": [{"LabelName": "a"}]}]}]},
            "'a' is its own ancestor",
        ),
    ],
)  # fmt: skip
def test_a_broken_hierarchy_is_refused_with_the_reason(tree, message, tmp_path):
    path = tmp_path / "h.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(HierarchyError, match=message) as error:
        ClassHierarchy.load(path)
    assert str(path) in str(error.value)


def test_a_hierarchy_of_other_labels_is_refused():
    with pytest.raises(HierarchyError, match="none of the categories"):
        ClassHierarchy.from_tree(TREE).ancestors_of_categories(categories("Cat", "Animal"))
