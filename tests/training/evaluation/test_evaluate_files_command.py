"""`python -m training evaluate-files` as programs call it: one JSON object on stdout, one line for what is wrong."""

import argparse
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.training.evaluation.random_coco_files import random_coco_files, with_ids_from_zero
from training.__main__ import main
from training.evaluation import coco_protocol, evaluate_files_command, lvis_protocol, openimages_protocol
from training.evaluation.coco_protocol import evaluate_coco
from training.evaluation.lvis_protocol import evaluate_lvis

TREE = {"LabelName": "entity", "Subcategory": [{"LabelName": "animal", "Subcategory": [{"LabelName": "cat"}]}]}


@pytest.fixture
def files(tmp_path):
    """Write a ground truth and detections, by default of ids from 0; return the options that name them."""

    def write(ground_truth=None, results=None):
        random = with_ids_from_zero(*random_coco_files(5))
        (tmp_path / "gt.json").write_text(json.dumps(random[0] if ground_truth is None else ground_truth))
        (tmp_path / "dt.json").write_text(json.dumps(random[1] if results is None else results))
        return ["--gt", str(tmp_path / "gt.json"), "--dt", str(tmp_path / "dt.json")]

    return write


def evaluate_files(capsys, *options):
    assert main(["evaluate-files", *options]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def refused(capsys, *options):
    assert main(["evaluate-files", *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def animals(**image):
    objects = [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [0, 0, 10, 10], "is_group_of": 0}]
    objects.append({"id": 1, "image_id": 0, "category_id": 0, "bbox": [50, 50, 40, 40], "is_group_of": 1})
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "animal"}, {"id": 2, "name": "cup"}]
    ground_truth = {"images": [{"id": 0, **image}], "categories": categories, "annotations": objects}
    return ground_truth, [
        {"image_id": 0, "category_id": k, "bbox": [0, 0, 10, 10], "score": 0.9 - k / 10} for k in (0, 2)
    ]


def test_coco_prints_the_nine_numbers(files, capsys):
    printed = evaluate_files(capsys, *files(), "--protocol", "coco")
    assert list(printed) == ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100"]
    expected = evaluate_coco(*with_ids_from_zero(*random_coco_files(5))).as_dict()
    # The random boxes have no large ones.
    assert printed == {key: -1 if expected[key] is None else expected[key] for key in printed}


def test_lvis_prints_ap_and_that_of_rare_common_and_frequent_classes(files, capsys):
    ground_truth, results = random_coco_files(5)
    for category, frequency in zip(ground_truth["categories"], "rcff", strict=True):
        category["frequency"] = frequency
    printed = evaluate_files(capsys, *files(ground_truth, results), "--protocol", "lvis")
    assert list(printed) == ["AP", "APr", "APc", "APf"]
    expected = evaluate_lvis(ground_truth, results).as_dict()
    assert printed == {key: expected[key] for key in printed}


def test_openimages_prints_ap50_and_every_class_by_name(files, capsys):
    printed = evaluate_files(capsys, *files(*animals()), "--protocol", "openimages", "--group-of-weight", "0")
    assert printed == {"AP50": 1.0, "per_class": {"cat": 1.0, "animal": None, "cup": None}}


def test_the_weight_of_groups_is_a_half_unless_said_otherwise(files, capsys):
    options = [*files(*animals()), "--protocol", "openimages"]
    assert evaluate_files(capsys, *options)["AP50"] == pytest.approx(1 / 1.5)
    assert evaluate_files(capsys, *options, "--group-of-weight", "1")["AP50"] == pytest.approx(1 / 2)


def test_a_hierarchy_is_read_from_a_file(files, capsys, tmp_path):
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    options = [*files(*animals()), "--protocol", "openimages", "--group-of-weight", "0"]
    options += ["--hierarchy", str(tmp_path / "tree.json")]
    assert evaluate_files(capsys, *options)["per_class"] == {"cat": 1, "animal": 0, "cup": None}
    assert evaluate_files(capsys, *options, "--expand-detections")["per_class"] == {"cat": 1, "animal": 1, "cup": None}


def test_results_with_masks_alone_are_compared_as_masks(files, capsys):
    mask = [[0, 0, 20, 0, 20, 20, 0, 20]]
    ground_truth = {
        "images": [{"id": 0, "width": 50, "height": 50}],
        "categories": [{"id": 0, "name": "thing"}],
        "annotations": [{"image_id": 0, "category_id": 0, "bbox": [30, 30, 5, 5], "segmentation": mask}],
    }
    result = {"image_id": 0, "category_id": 0, "segmentation": mask, "score": 1}
    assert evaluate_files(capsys, *files(ground_truth, [result]), "--protocol", "coco")["AP"] == pytest.approx(1)
    both = files(ground_truth, [result | {"bbox": [0, 0, 20, 20]}])
    assert evaluate_files(capsys, *both, "--protocol", "coco")["AP"] == 0
    assert evaluate_files(capsys, *both, "--protocol", "coco", "--iou-type", "segm")["AP"] == pytest.approx(1)
    assert "compares boxes" in refused(capsys, *files(ground_truth, [result]), "--protocol", "openimages")


@pytest.mark.parametrize("protocol", ["coco", "lvis", "openimages"])
def test_no_detections_are_an_answer_too(files, capsys, protocol):
    printed = evaluate_files(capsys, *files(results=[]), "--protocol", protocol)
    assert next(iter(printed.values())) == 0


@pytest.mark.parametrize(("protocol", "undefined"), [("coco", -1), ("lvis", -1), ("openimages", None)])
def test_what_is_undefined_is_printed_as_the_protocols_own_tools_do(files, capsys, protocol, undefined):
    ground_truth = {"images": [{"id": 0}], "annotations": [], "categories": [{"id": 0, "name": "cat"}]}
    printed = evaluate_files(capsys, *files(ground_truth, []), "--protocol", protocol)
    assert next(iter(printed.values())) == undefined


def test_details_print_everything(files, capsys):
    printed = evaluate_files(capsys, *files(), "--protocol", "coco", "--details")
    assert {"wAP50", "ARs", "AP50_per_class", "instances_per_class"} <= printed.keys()


def test_detections_in_unknown_images_are_refused_by_file_and_id_or_left_out_on_demand(files, capsys):
    ground_truth, results = animals()
    options = [*files(ground_truth, [*results, results[0] | {"image_id": 404}]), "--protocol", "openimages"]
    message = refused(capsys, *options)
    assert "dt.json: detections[2] (image 404): image_id 404 is no image" in message
    assert "gt.json" in message
    assert evaluate_files(capsys, *options, "--ignore-unknown")["per_class"]["cat"] == pytest.approx(1 / 1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--protocol", "coco", "--hierarchy", "h.json"], "--hierarchy belongs to --protocol openimages"),
        (["--protocol", "lvis", "--group-of-weight", "0"], "--group-of-weight belongs to --protocol openimages"),
        (["--protocol", "openimages", "--group-of-weight", "2"], "group-of weight must be from 0 to 1, got 2.0"),
        (["--protocol", "openimages", "--group-of-weight", "nan"], "group-of weight must be from 0 to 1"),
        (["--protocol", "openimages", "--expand-detections"], "--expand-detections needs --hierarchy"),
        (["--protocol", "openimages", "--iou-type", "segm"], "compares boxes"),
        (["--protocol", "openimages", "--hierarchy", "/nowhere.json"], "/nowhere.json"),
        (["--protocol", "coco", "--images", "/tmp"], "give --report DIR too"),
        (["--protocol", "coco", "--images", "/nowhere", "--report", "/tmp/never"], "/nowhere is no folder"),
    ],
)
def test_options_that_do_not_fit_are_one_line(files, capsys, options, message):
    assert message in refused(capsys, *files(), *options)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"images": []}', '"text"', "\xff"])
def test_files_that_are_no_coco_are_one_line_that_names_them(files, capsys, tmp_path, content):
    options = [*files(), "--protocol", "coco"]
    (tmp_path / "gt.json").write_bytes(content.encode("latin-1"))
    assert "gt.json" in refused(capsys, *options)
    options = [*files(), "--protocol", "coco"]
    if content != "[]":
        (tmp_path / "dt.json").write_bytes(content.encode("latin-1"))
        assert "dt.json" in refused(capsys, *options)


def test_a_missing_file_is_one_line(files, capsys, tmp_path):
    options = [*files(), "--protocol", "coco"]
    (tmp_path / "dt.json").unlink()
    assert "dt.json" in refused(capsys, *options)


@pytest.mark.parametrize("times", [1, 20_000])
def test_a_reader_that_leaves_early_ends_it_quietly(files, times):
    """As `| head -0` does: found at the last flush, or, where a buffer is full before, in the middle."""
    ground_truth, results = animals()
    ground_truth["categories"] = [{"id": k, "name": f"class {k}"} for k in range(max(3, times))]
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "training", "evaluate-files", *files(ground_truth, results)]
    ended = subprocess.run(
        [*command, "--protocol", "openimages"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("protocol", ["coco", "lvis", "openimages"])
def test_a_report_is_written_from_the_one_evaluation_that_is_printed(files, capsys, tmp_path, monkeypatch, protocol):
    options = [*files(), "--protocol", protocol, "--details"]
    expected = evaluate_files(capsys, *options)
    for module, function in (
        (coco_protocol, "evaluate_coco"),
        (lvis_protocol, "evaluate_lvis"),
        (openimages_protocol, "evaluate_openimages"),
    ):
        monkeypatch.setattr(module, function, None)
    assert evaluate_files(capsys, *options, "--report", str(tmp_path / "page")) == expected
    assert (tmp_path / "page/report.html").is_file()


def test_neither_torch_nor_anything_slow_is_imported(files):
    program = (
        "import sys\n"
        "from training.__main__ import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "slow = {'torch', 'torchvision', 'matplotlib', 'onnxruntime', 'pandas', 'scipy', 'cv2'} & sys.modules.keys()\n"
        "assert not slow, slow\n"
    )
    for protocol in ("coco", "lvis", "openimages"):
        command = [sys.executable, "-c", program, "evaluate-files", *files(), "--protocol", protocol]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)


def test_every_option_is_explained_in_the_document(repo_root):
    parser = argparse.ArgumentParser(add_help=False)
    evaluate_files_command.add_arguments(parser)
    text = (repo_root / "docs/EVALUATION.md").read_text()
    assert [o for action in parser._actions for o in action.option_strings if o not in text] == []
    for keys in evaluate_files_command.KEYS.values():
        assert all(key in text for key in keys)
