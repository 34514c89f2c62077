"""The page holds what was computed, needs no other file, and gets by with empty inputs and missing photos."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.training.evaluation.random_coco_files import random_coco_files
from training.__main__ import main
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.detections import Detections
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.hierarchy import ClassHierarchy
from training.evaluation.lvis_protocol import evaluate_lvis
from training.evaluation.openimages_protocol import evaluate_openimages
from training.evaluation.report.class_rows import best_threshold, class_rows, thresholds_per_class
from training.evaluation.report.judged import judge_boxes
from training.evaluation.report.mistakes import (
    confusions,
    kinds_of_mistakes,
    largest_missed_objects,
    most_confident_false_positives,
)
from training.evaluation.report.write_report import write_coco_report, write_lvis_report, write_openimages_report

CATEGORIES = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}, {"id": 2, "name": "<b>cup</b>"}]
CAT, DOG, CUP = [10, 10, 40, 40], [60, 10, 30, 80], [5, 60, 20, 20]


def files(*found):
    objects = [{"image_id": 0, "category_id": k, "bbox": box} for k, box in ((0, CAT), (1, DOG), (2, CUP))]
    images = [{"id": 0, "width": 100, "height": 100, "file_name": "photo.png"}]
    results = [{"image_id": 0, "category_id": k, "bbox": box, "score": score} for k, box, score in found]
    return {"images": images, "categories": CATEGORIES, "annotations": objects}, results


# The cat is right, twice; the dog is called a cat; a cat is badly placed; a cup is where nothing is.
FOUND = [(0, CAT, 0.9), (0, CAT, 0.8), (0, DOG, 0.7), (0, [40, 10, 40, 40], 0.6), (2, [70, 2, 5, 5], 0.5)]


def judged(*found):
    ground_truth = GroundTruth.parse(files()[0])
    return judge_boxes(ground_truth, Detections.parse(files(*found)[1], ground_truth))


def test_each_mistake_is_of_its_kind():
    mistakes = most_confident_false_positives(judged(*FOUND), 10)
    assert [mistake.kind for mistake in mistakes] == ["found twice", "wrong class", "badly placed", "no object"]


def test_mistakes_are_counted_from_each_class_s_best_threshold_on():
    everything = judged(*FOUND)
    assert kinds_of_mistakes(everything, np.zeros(3)) == {
        "right": 1,
        "wrong class": 1,
        "badly placed": 1,
        "found twice": 1,
        "no object": 1,
        "missed": 2,
    }
    thresholds = thresholds_per_class(everything)
    assert thresholds.tolist() == [0.9, np.inf, np.inf]
    assert kinds_of_mistakes(everything, thresholds)["wrong class"] == 0


def test_a_missed_object_under_another_name_is_a_confusion():
    assert confusions(judged(*FOUND), np.zeros(3)) == {(1, 0): 1}
    found_too = judged(*FOUND, (1, DOG, 0.3))
    assert confusions(found_too, np.zeros(3)) == {}


def test_missed_objects_come_by_their_share_of_the_photo():
    assert largest_missed_objects(judged((2, CUP, 0.9)), np.zeros(3), 10).tolist() == [1, 0]
    assert largest_missed_objects(judged((2, CUP, 0.9)), np.full(3, 0.95), 2).tolist() == [1, 0]


def test_the_best_threshold_is_the_one_a_slow_search_finds():
    generator = np.random.default_rng(0)
    for _ in range(50):
        scores = generator.integers(1, 8, 20) / 8  # with ties
        is_true = generator.random(20) < 0.5
        objects = int(is_true.sum() + generator.integers(1, 9))
        best = best_threshold(scores, is_true, objects)
        candidates = {}
        for threshold in np.unique(scores):
            shown = scores >= threshold
            right = (shown & is_true).sum()
            candidates[threshold] = 2 * right / (shown.sum() + objects)
        assert pytest.approx(max(candidates.values())) == best.F1
        assert best.threshold == max(t for t, f1 in candidates.items() if f1 == pytest.approx(best.F1))


def test_the_rows_hold_the_protocol_s_ap_and_all_classes_that_occur():
    ground_truth, results = random_coco_files(2)
    metrics = evaluate_coco(ground_truth, results)
    truth = GroundTruth.parse(ground_truth)
    rows = class_rows(
        judge_boxes(truth, Detections.parse(results, truth)), metrics.AP50_per_class, metrics.AP_per_class
    )
    assert {row.name: row.AP50 for row in rows if row.objects} == metrics.AP50_per_class
    assert {row.name: float(row.objects) for row in rows if row.objects} == metrics.instances_per_class
    (empty,) = (row for row in rows if not row.objects)
    assert (empty.name, empty.AP50, empty.threshold, empty.curve) == ("class 4", None, None, ())


def test_the_page_needs_no_other_file_and_shows_the_numbers(tmp_path):
    Image.new("RGB", (100, 100), "#336699").save(tmp_path / "photo.png")
    ground_truth, results = files(*FOUND)
    page = tmp_path / "out/report.html"
    metrics = write_coco_report(page, ground_truth, results, title="A & B", images_folder=tmp_path)
    text = page.read_text()
    references = re.findall(r"(?:src|href)=\"([^\"#]{1,40})", text)
    assert references
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in references)
    assert "url(" not in re.sub(r"url\(#", "", text)
    assert "<h1>A &amp; B</h1>" in text
    assert "&lt;b&gt;cup&lt;/b&gt;" in text
    assert "<b>cup</b>" not in text
    assert metrics.as_dict() == evaluate_coco(ground_truth, results).as_dict()
    for value in (metrics.AP, metrics.AP50, metrics.wAP50):
        assert f"<dd>{value:.3f}</dd>" in text
    for kind in ("is dog", "found twice", "badly placed, IoU", "no object"):
        assert kind in text
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as picture:
        assert picture.size == (260, 195)
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    colours = {tuple(int(channel) // 64 for channel in pixel) for pixel in pixels}
    assert (0, 1, 2) in colours  # the photo
    assert (3, 0, 0) in colours  # the detection's box


def test_photos_that_are_not_there_are_said_and_drawn_as_frames(tmp_path):
    ground_truth, results = files(*FOUND)
    page = tmp_path / "r.html"
    write_coco_report(page, ground_truth, results, title="t", images_folder=tmp_path)
    assert "photos could not be read" in page.read_text()
    write_coco_report(page, ground_truth, results, title="t")
    assert "boxes are shown on grey" in page.read_text()


@pytest.mark.parametrize("write", [write_coco_report, write_lvis_report, write_openimages_report])
def test_empty_inputs_make_a_page_too(write, tmp_path):
    ground_truth, results = files(*FOUND)
    empty: dict = {"images": [], "annotations": [], "categories": []}
    without_objects = ground_truth | {"annotations": []}
    for truth, detections in ((ground_truth, []), (without_objects, results), (empty, [])):
        write(tmp_path / "r.html", truth, detections, title="t")
        assert "</html>" in (tmp_path / "r.html").read_text()


def test_lvis_leaves_out_what_it_does_not_judge(tmp_path):
    ground_truth, results = files(*FOUND)
    del ground_truth["annotations"][2]
    metrics = write_lvis_report(tmp_path / "r.html", ground_truth, results, title="t")
    assert "4 detections that count" in (tmp_path / "r.html").read_text()
    assert metrics.as_dict() == evaluate_lvis(ground_truth, results).as_dict()


def test_openimages_shows_the_objects_of_ancestors_and_no_box_twice(tmp_path):
    ground_truth, results = files(*FOUND)
    ground_truth["categories"] = [*CATEGORIES, {"id": 3, "name": "animal"}]
    hierarchy = ClassHierarchy.from_parents({"cat": ["animal"], "dog": ["animal"]})
    options: dict[str, Any] = {"hierarchy": hierarchy, "expand_detections": True}
    metrics = write_openimages_report(tmp_path / "r.html", ground_truth, results, title="t", **options)
    assert metrics == evaluate_openimages(ground_truth, results, **options)
    page = (tmp_path / "r.html").read_text()
    assert "5 objects" in page
    assert "<td>animal</td>" in page
    assert page.count('<figure class="tile">') == 4 + 2


def test_masks_alone_are_shown_by_the_boxes_around_them(tmp_path):
    mask = [[10, 10, 50, 10, 50, 50, 10, 50]]
    ground_truth, _ = files()
    ground_truth["annotations"] = [{"image_id": 0, "category_id": 0, "segmentation": mask}]
    results = [{"image_id": 0, "category_id": 0, "segmentation": mask, "score": 0.5}]
    write_coco_report(tmp_path / "r.html", ground_truth, results, title="t", iou_type="segm")
    assert "right <b>1</b>" in (tmp_path / "r.html").read_text()


def test_the_command_writes_it(tmp_path, capsys):
    import json

    ground_truth, results = files(*FOUND)
    (tmp_path / "gt.json").write_text(json.dumps(ground_truth))
    (tmp_path / "dt.json").write_text(json.dumps(results))
    paths = ["--gt", str(tmp_path / "gt.json"), "--dt", str(tmp_path / "dt.json"), "--report", str(tmp_path / "out")]
    for protocol in ("coco", "lvis", "openimages"):
        assert main(["evaluate-files", *paths, "--protocol", protocol, "--images", str(tmp_path)]) == 0
        captured = capsys.readouterr()
        json.loads(captured.out)
        assert "report.html" in captured.err
        assert "dt.json against gt.json" in (tmp_path / "out/report.html").read_text()
