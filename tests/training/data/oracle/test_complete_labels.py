"""What an oracle adds: what nobody has labelled, marked, beside the original."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.training.data.photos_on_disk import coco_folder
from training.data.coco_photos import CocoPhotos
from training.data.merged_photos import MergedPhotos, in_categories
from training.data.oracle.complete_labels import complete_labels
from training.data.oracle.detections import OracleDetections, best_detections
from training.data.set_options import SetOptions
from training.taxonomy import Category, DatasetMapping, Taxonomy

TAXONOMY = Taxonomy(
    (
        Category(1, "animal"),
        Category(2, "cat", ("animal",)),
        Category(3, "lynx", ("cat",)),
        Category(4, "dog", ("animal",)),
        Category(5, "kite"),
    )
)
HUMAN_BOX = [10, 10, 20, 20]


class FakeOracle:
    name = "fake"

    def __init__(self, *found):
        self.found = found

    def detect(self, photo):
        assert isinstance(photo, Image.Image)
        boxes = np.array([box for box, _, _ in self.found], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score, _ in self.found], np.float32)
        return OracleDetections(boxes, scores, np.array([c for _, _, c in self.found], np.int64))

    def category_id(self, class_index):
        return class_index or None


def a_set(tmp_path, label="cat"):
    photos = CocoPhotos(
        coco_folder(tmp_path / "set", [[(label, HUMAN_BOX)]], labels=("cat", "flyer", "beast")), "train"
    )
    return photos, DatasetMapping("set", tmp_path, {"cat": 2, "flyer": 5, "beast": 1})


def added(tmp_path, found, label="cat", **options):
    photos, mapping = a_set(tmp_path, label)
    completed = complete_labels(photos, mapping, TAXONOMY, FakeOracle(*found), max_overlap=0.5, **options)
    return [a for a in completed.dataset["annotations"] if a.get("source") == "oracle"], completed


OVER_THE_HUMAN_BOX = (11, 11, 31, 31)
ELSEWHERE = (50, 30, 70, 50)


@pytest.mark.parametrize(("human", "found"), [("cat", 2), ("cat", 3), ("cat", 1), ("beast", 3)])
def test_what_a_person_labelled_as_finely_or_more_coarsely_is_not_added(tmp_path, human, found):
    annotations, completed = added(tmp_path, [(OVER_THE_HUMAN_BOX, 0.9, found)], label=human)
    assert annotations == []
    assert completed.left_out == 1


def test_the_very_object_that_a_person_labelled_is_not_added_under_another_name(tmp_path):
    annotations, completed = added(tmp_path, [((10, 10, 30, 31), 0.9, 4)])
    assert annotations == []
    assert completed.left_out == 1


@pytest.mark.parametrize(
    ("box", "category"), [(ELSEWHERE, 2), (OVER_THE_HUMAN_BOX, 4), (OVER_THE_HUMAN_BOX, 5), ((10, 10, 19, 20), 2)]
)
def test_another_object_is_added_and_marked(tmp_path, box, category):
    annotations, completed = added(tmp_path, [(box, 0.75, category)])
    (annotation,) = annotations
    assert annotation["source"] == "oracle"
    assert annotation["score"] == 0.75
    assert annotation["bbox"] == [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    assert completed.added_by_category == {TAXONOMY.name_of(category): 1}


def test_a_person_s_boxes_stay_as_they_were(tmp_path):
    _, completed = added(tmp_path, [(ELSEWHERE, 0.9, 4)])
    human = [a for a in completed.dataset["annotations"] if "source" not in a]
    assert [(a["bbox"], a["category_id"]) for a in human] == [(HUMAN_BOX, 0)]
    assert len({a["id"] for a in completed.dataset["annotations"]}) == 2
    assert json.loads(json.dumps(completed.dataset)) == completed.dataset


def test_a_category_gets_the_set_s_own_label_or_a_new_one_that_says_where_it_is_from(tmp_path):
    annotations, completed = added(tmp_path, [(ELSEWHERE, 0.9, 5), (ELSEWHERE, 0.9, 4)])
    names = {c["id"]: (c["name"], c.get("source")) for c in completed.dataset["categories"]}
    assert [names[a["category_id"]] for a in annotations] == [("flyer", None), ("dog", "oracle")]


def test_classes_that_mean_nothing_are_left_out(tmp_path):
    annotations, completed = added(tmp_path, [(ELSEWHERE, 0.9, 0)])
    assert annotations == []
    assert completed.left_out == 1


def test_what_the_set_labels_itself_can_be_left_to_people(tmp_path):
    annotations, _ = added(tmp_path, [(ELSEWHERE, 0.9, 2), (ELSEWHERE, 0.9, 4)], skip_annotated=True)
    assert len(annotations) == 1


def test_within_a_crowd_region_nothing_of_its_kind_is_added(tmp_path):
    folder = coco_folder(tmp_path / "set", [[("cat", [0, 0, 80, 60])]])
    dataset = json.loads((folder / "annotations.json").read_text())
    dataset["annotations"][0]["iscrowd"] = 1
    (folder / "annotations.json").write_text(json.dumps(dataset))
    mapping = DatasetMapping("set", tmp_path, {"cat": 2, "dog": 4})
    oracle = FakeOracle((ELSEWHERE, 0.9, 2), (ELSEWHERE, 0.9, 4))
    completed = complete_labels(CocoPhotos(folder, "train"), mapping, TAXONOMY, oracle, max_overlap=0.5)
    assert completed.added_by_category == {"dog": 1}


def test_the_file_reads_back_with_pseudo_boxes_whose_absence_means_nothing(tmp_path):
    photos, mapping = a_set(tmp_path)
    oracle = FakeOracle((ELSEWHERE, 0.9, 4), (ELSEWHERE, 0.8, 5))
    completed = complete_labels(photos, mapping, TAXONOMY, oracle, max_overlap=0.5)
    (photos.folder / "annotations.fake.json").write_text(json.dumps(completed.dataset))
    again = CocoPhotos(photos.folder, "train", annotations_file="annotations.fake.json")
    (photo,) = again.photos
    assert photo.labels == ("cat", "dog", "flyer")
    assert photo.is_pseudo == (False, True, True)
    assert photo.path.is_file()
    assert [photo.is_known(name) for name in ("cat", "flyer", "dog")] == [True, True, False]
    merged = MergedPhotos.of([in_categories(again, mapping, TAXONOMY)], {"set": SetOptions()}, TAXONOMY)
    assert merged.category_names == ("animal", "cat", "kite")  # a dog is no class only because an oracle saw one
    assert merged.photos[0].labels == ("cat", "dog", "kite")


def test_detections_are_cut_sorted_and_freed_of_duplicates():
    boxes = np.array([[-5, 0, 20, 20], [0, 0, 20, 20], [0, 0, 20, 20], [5, 5, 5, 9], [30, 30, 90, 90]], np.float32)
    scores = np.array([0.7, 0.9, 0.8, 0.9, 0.95], np.float32)
    classes = np.array([1, 1, 2, 1, 1])
    kept = best_detections(boxes, scores, classes, size=(80, 60), min_score=0.6, nms_iou=0.5)
    assert kept.scores.tolist() == pytest.approx([0.95, 0.9, 0.8])
    assert kept.boxes.tolist() == [[30, 30, 80, 60], [0, 0, 20, 20], [0, 0, 20, 20]]
    assert kept.classes.tolist() == [1, 1, 2]
