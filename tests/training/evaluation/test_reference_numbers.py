"""Every number under `reference/` of the data folder is reproduced here, or named with the reason why not.

The folder is walked, so that a number or a file which nobody thought of fails a test.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from training.evaluation.average_precision import average_precision, precision_recall
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.detections import Detections
from training.evaluation.ground_truth import GroundTruth
from training.evaluation.lvis_protocol import evaluate_lvis
from training.evaluation.openimages_protocol import evaluate_openimages, judge_openimages, scored_values

TOLERANCE = 1e-6

ORDER = ["AP_all", "AP_50", "AP_75", "AP_small", "AP_medium", "AP_large"]
ORDER += ["AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"]
FIELDS = dict(
    zip(ORDER, ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"], strict=True)
)

INPUT_FILES = {
    "coco/LICENSE.cocoapi.txt": "a licence",
    "coco/instances_val2014_100.json": "ground truth",
    "coco/instances_val2014_fakebbox100_results.json": "detections",
    "coco/instances_val2014_fakesegm100_results.json": "detections",
    "edge/fce_dt_dataset.json": "detections",
    "edge/fce_gt_dataset.json": "ground truth",
    "edge/hotcoco_dt.json": "detections",
    "edge/hotcoco_gt.json": "ground truth",
    "edge/hotcoco_zero_dt.json": "detections",
    "edge/hotcoco_zero_gt.json": "ground truth",
    "lvis/LICENSE.lvis-api.txt": "a licence",
    "lvis/coco_to_synset.json": "names of classes in WordNet, used by the taxonomy",
    "lvis/lvis_val_100.json": "ground truth",
    "lvis/synthetic_bbox_results.json": "detections",
    "openimages/bbox_labels_600_hierarchy.json": "a hierarchy; what it is expanded to is checked in test_hierarchy.py",
    "openimages/class-descriptions-boxable.csv": "names of classes",
    "openimages/hierarchy_expansion_cases.json": "holds no number; its cases are checked in test_hierarchy.py",
    "openimages/suggested_class_map.json": "names of classes, used by the taxonomy",
    "overlap_with_coco_mini.json": "numbers of images that are in two sets",
}
NOT_ANSWERS = {
    "coco/expected.json": {r"published\.\w+\.max_abs_diff": "how exact pycocotools was when the file was made"},
    "coco/val2014_fake_eval_res.txt": {
        r"keypoints\..*": "GenOD has no keypoints, and the results file for them is not in the folder",
    },
    "edge/expected.json": {},
    "lvis/expected.json": {
        r"published_but_results_file_missing\..*": "lvis_results_100.json could not be had (MANIFEST.md)",
        r"synthetic\.max_dets": "an option, given to the evaluator here",
    },
    "openimages/oid_eval_cases.json": {
        r"evaluator_cases\.\d+\.(group_of_weight|categories\..*|gt\..*|dt\..*)": "input",
        r"per_image_group_of_cases\.\d+\."
        r"(group_of_weight|iou_threshold|detected_boxes|detected_scores|groundtruth_boxes|is_group_of)(\..*)?": "input",
        r"metric_cases\.\d+\.(scores|tp_fp|num_gt|precision|recall)(\..*)?": "input",
    },
}


def load(path):
    return json.loads(path.read_text())


def numbers(value, path=""):
    """Yield each number in nested JSON with its path, such as `published.bbox.values.AP_all`."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def coco_numbers(metrics):
    """Ours under the names of the reference; -1 is their NaN."""
    values = {name: getattr(metrics, field) for name, field in FIELDS.items()}
    return {name: -1.0 if math.isnan(value) else value for name, value in values.items()}


def ours_of_coco(folder):
    published = load(folder / "expected.json")["published"]
    ground_truth = load(folder / load(folder / "expected.json")["ground_truth"])
    for iou_type in published:
        results = load(folder / published[iou_type]["results_file"])
        for name, value in coco_numbers(evaluate_coco(ground_truth, results, iou_type=iou_type)).items():
            yield f"published.{iou_type}.values.{name}", value


def printed_by_cocoapi(path):
    """The lines of cocoapi's own output as `segm.0`, `segm.1`, ... in the order of FIELDS."""
    values, iou_type = {}, ""
    for line in path.read_text().splitlines():
        if line.startswith("type="):
            iou_type, row = line.removeprefix("type="), 0
        if match := re.search(r"\] = (-?[\d.]+)$", line):
            values[f"{iou_type}.{row}"] = float(match[1])
            row += 1
    return values


def ours_as_printed_by_cocoapi(folder):
    for name, value in ours_of_coco(folder):
        _, iou_type, _, field = name.split(".")
        yield f"{iou_type}.{ORDER.index(field)}", round(value, 3)


def numbers_of_pycocotools(ground_truth_path, results_path, iou_type):
    truth = COCO(str(ground_truth_path))
    evaluation = COCOeval(truth, truth.loadRes(str(results_path)), iou_type)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return dict(zip(ORDER, evaluation.stats.tolist(), strict=True))


def ours_of_edge(folder):
    for name, case in load(folder / "expected.json").items():
        if name == "hotcoco_zero_based_ids":  # the number is an error of pycocotools; ours is in the test below
            values = numbers_of_pycocotools(folder / case["gt"], folder / case["dt"], case["iou_type"])
        else:
            metrics = evaluate_coco(load(folder / case["gt"]), load(folder / case["dt"]), iou_type=case["iou_type"])
            values = coco_numbers(metrics)
        for source in ("pycocotools_2_0_11", "published"):
            if case[source] is not None:
                yield from ((f"{name}.{source}.{key}", value) for key, value in values.items())


def ours_of_lvis(folder):
    ground_truth, synthetic = load(folder / "lvis_val_100.json"), load(folder / "synthetic_bbox_results.json")
    yield "synthetic.n_detections", len(synthetic)
    perfect = [
        {key: a[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1 - 0.0001 * index}
        for index, a in enumerate(ground_truth["annotations"])
    ]
    for name, results in (("synthetic", synthetic), ("gt_as_detections", perfect)):
        metrics = evaluate_lvis(ground_truth, results, max_detections_per_image=300).as_dict()
        for field in ["AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf"]:
            yield f"{name}.values.{field}", metrics[field]
        for field in ("AR", "ARs", "ARm", "ARl"):
            yield f"{name}.values.{field}@300", metrics["AR300" if field == "AR" else field]


def xywh(box):
    top, left, bottom, right = box
    return [left, top, right - left, bottom - top]


def coco_format_of(case):
    """A case of the TensorFlow tests as two COCO files; ids are text."""
    ground_truth = {"images": [], "annotations": [], "categories": case["categories"]}
    for image_id, image in case["gt"].items():
        verified = image.get("verified_image_classes")
        listed = {"verified_category_ids": verified} if case["use_verified_labels"] and verified is not None else {}
        ground_truth["images"].append({"id": image_id, **listed})
        rows = zip(image["boxes"], image["classes"], image["group_of"], strict=True)
        ground_truth["annotations"] += [
            {"image_id": image_id, "category_id": category, "bbox": xywh(box), "is_group_of": group}
            for box, category, group in rows
        ]
    results = [
        {"image_id": image_id, "category_id": category, "bbox": xywh(box), "score": score}
        for image_id, image in case["dt"].items()
        for box, category, score in zip(image["boxes"], image["classes"], image["scores"], strict=True)
    ]
    return ground_truth, results


def ours_of_openimages(folder):
    cases = load(folder / "oid_eval_cases.json")
    for index, case in enumerate(cases["evaluator_cases"]):
        metrics = evaluate_openimages(*coco_format_of(case), group_of_weight=case["group_of_weight"])
        for category in case["categories"]:
            yield (
                f"evaluator_cases.{index}.expected.AP@0.5/{category['name']}",
                metrics.AP50_per_class[category["name"]],
            )
        yield f"evaluator_cases.{index}.expected.mAP@0.5", metrics.AP50
    for index, case in enumerate(cases["per_image_group_of_cases"]):
        ground_truth = GroundTruth.parse(
            {
                "images": [{"id": 0}],
                "categories": [{"id": 0, "name": "thing"}],
                "annotations": [
                    {"image_id": 0, "category_id": 0, "bbox": xywh(box), "is_group_of": group}
                    for box, group in zip(case["groundtruth_boxes"], case["is_group_of"], strict=True)
                ],
            }
        )
        rows = zip(case["detected_boxes"], case["detected_scores"], strict=True)
        results = [{"image_id": 0, "category_id": 0, "bbox": xywh(box), "score": score} for box, score in rows]
        judgement = judge_openimages(
            ground_truth,
            Detections.parse(results, ground_truth),
            hierarchy=None,
            group_of_weight=case["group_of_weight"],
            expand_detections=False,
        )
        _, _, scores, values = scored_values(judgement, case["group_of_weight"])
        for key, ours in (("expected_scores", scores), ("expected_tp_fp", values)):
            yield from ((f"per_image_group_of_cases.{index}.{key}.{i}", value) for i, value in enumerate(ours))
    for index, case in enumerate(cases["metric_cases"]):
        prefix = f"metric_cases.{index}"
        if case["name"].startswith("precision_recall"):
            values = np.array(case["tp_fp"], np.float64)
            precision, recall = precision_recall(np.array(case["scores"]), values, case["num_gt"])
            yield from ((f"{prefix}.expected_precision.{i}", value) for i, value in enumerate(precision))
            yield from ((f"{prefix}.expected_recall.{i}", value) for i, value in enumerate(recall))
        elif case["name"] == "average_precision":
            area = average_precision(np.array(case["precision"]), np.array(case["recall"]))
            yield f"{prefix}.expected_ap", area


OURS = {
    "coco/expected.json": ours_of_coco,
    "coco/val2014_fake_eval_res.txt": ours_as_printed_by_cocoapi,
    "edge/expected.json": ours_of_edge,
    "lvis/expected.json": ours_of_lvis,
    "openimages/oid_eval_cases.json": ours_of_openimages,
}


@pytest.fixture(scope="module")
def reference(genod_data) -> Path:
    return genod_data / "reference"


@pytest.mark.parametrize("file", OURS)
def test_every_number_is_reproduced_to_a_millionth_or_has_a_reason_why_not(file, reference):
    path = reference / file
    theirs = dict(numbers(load(path))) if path.suffix == ".json" else printed_by_cocoapi(path)
    answers = {
        name: value for name, value in theirs.items() if not any(re.fullmatch(p, name) for p in NOT_ANSWERS[file])
    }
    ours = dict(OURS[file](path.parent))
    assert answers, "a file of answers must hold some"
    assert ours.keys() == answers.keys()
    wrong = {n: (ours[n], answers[n]) for n in answers if not abs(ours[n] - answers[n]) <= TOLERANCE}
    assert not wrong


@pytest.mark.parametrize("file", OURS)
def test_no_reason_is_given_for_numbers_that_are_not_there(file, reference):
    path = reference / file
    theirs = dict(numbers(load(path))) if path.suffix == ".json" else printed_by_cocoapi(path)
    for pattern in NOT_ANSWERS[file]:
        assert any(re.fullmatch(pattern, name) for name in theirs), pattern


def test_no_file_of_the_folder_is_forgotten(reference):
    files = {path.relative_to(reference).as_posix() for path in reference.rglob("*") if path.is_file()}
    assert files == OURS.keys() | INPUT_FILES.keys()


def test_ids_from_zero_count_where_pycocotools_loses_an_object(reference):
    folder = reference / "edge"
    case = load(folder / "expected.json")["hotcoco_zero_based_ids"]
    metrics = evaluate_coco(load(folder / case["gt"]), load(folder / case["dt"]))
    assert (metrics.AP, metrics.AP50, metrics.AP75, metrics.APm) == (1, 1, 1, 1)
    assert metrics.AR100 == 1
    assert case["pycocotools_2_0_11"]["AP_all"] < 0.45


def test_a_class_without_objects_has_no_ap_and_is_left_out_of_the_mean(reference):
    (case,) = (
        c for c in load(reference / "openimages/oid_eval_cases.json")["metric_cases"] if c["name"] == "no_groundtruth"
    )
    assert case["num_gt"] == 0
    categories = [{"id": 1, "name": "there"}, {"id": 2, "name": "nowhere"}]
    objects = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}]
    results = [{"image_id": 1, "category_id": k, "bbox": [0, 0, 9, 9], "score": 0.5} for k in (1, 2)]
    metrics = evaluate_openimages({"images": [{"id": 1}], "categories": categories, "annotations": objects}, results)
    assert metrics.AP50_per_class == {"there": 1.0}
    assert metrics.AP50 == 1
