"""torchvision's layout in, a run folder out, and the same detections from it."""

import pytest
import torch
from torch import nn
from torchvision.models.detection import fcos_resnet50_fpn, retinanet_resnet50_fpn

from training.__main__ import main
from training.export.export_run import load_run
from training.imports.published_detectors import PUBLISHED

MODELS = {"fcos_resnet50_fpn_coco": fcos_resnet50_fpn, "retinanet_resnet50_fpn_coco": retinanet_resnet50_fpn}
CANVAS = (256, 384)
"""A multiple of 128, where torchvision's P6 and P7 have our strides."""


def torchvision_model(name):
    torch.manual_seed(0)
    model = MODELS[name](weights=None, weights_backbone=None, num_classes=91).eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            state = layer.state_dict()  # the tensors themselves
            nn.init.normal_(state["running_mean"], std=0.2)
            nn.init.uniform_(state["running_var"], 0.5, 1.5)
            nn.init.uniform_(state["weight"], 0.3, 0.6)
    for layer in (model.head.classification_head.cls_logits, model.head.regression_head.bbox_reg):
        nn.init.normal_(layer.weight, std=0.05)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_what_is_imported_says_what_torchvisions_model_says(name, tmp_path, capsys):
    model = torchvision_model(name)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    arguments = ["import", name, "--state-dict", str(tmp_path / "weights.pth"), "--run-folder", str(tmp_path / "run")]
    assert main(arguments) == 0
    assert "imported 80 classes" in capsys.readouterr().out

    recipe, detector = load_run(tmp_path / "run")
    assert recipe == PUBLISHED[name].recipe
    pixels = torch.randint(0, 256, (1, *CANVAS, 3), dtype=torch.uint8)
    images = (pixels.permute(0, 3, 1, 2) / 255 - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    with torch.no_grad():
        expected_features = list(model.backbone(images).values())
        expected = model.head(expected_features)
        features = detector.backbone(pixels)
        outputs = detector.head(features)
        found = detector.head.detect(features, torch.arange(80, dtype=torch.int32))
    for ours, theirs in zip(features, expected_features, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max()))
    rows = PUBLISHED[name].rows
    theirs = expected["cls_logits"][..., rows]
    torch.testing.assert_close(outputs.class_logits, theirs, rtol=1e-3, atol=2e-3 * float(theirs.abs().max()))
    if name.startswith("fcos"):
        scores = (theirs.sigmoid() * expected["bbox_ctrness"].sigmoid()).sqrt()
    else:
        scores = theirs.sigmoid()
        torch.testing.assert_close(outputs.box_regression, expected["bbox_regression"], rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(found.scores[0], scores.flatten().topk(1000).values, rtol=1e-2, atol=1e-3)


def test_a_run_that_is_there_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "last.pt").write_bytes(b"")
    assert main(["import", "fcos_resnet50_fpn_coco", "--run-folder", str(tmp_path)]) == 1
    assert "holds a run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"no tensors", "is no file of torch.save"),
        ({"model": 3}, "must hold tensors by name"),
        ({"backbone.body.conv1.weight": torch.zeros(64, 3, 7, 7)}, "are not laid out as published: Missing key"),
    ],
)
def test_a_file_that_is_no_such_state_dict_is_one_line(content, message, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    arguments = ["import", "fcos_resnet50_fpn_coco", "--state-dict", str(path), "--run-folder", str(tmp_path / "run")]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_without_a_network_it_says_where_the_weights_are(tmp_path, capsys, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    assert main(["import", "fcos_resnet50_fpn_coco", "--run-folder", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert "fcos_resnet50_fpn_coco-99b0c9b7.pth cannot be fetched" in error
    assert "--state-dict" in error
    assert error.strip().count("\n") == error.count("Downloading")


def test_the_classes_kept_are_cocos_in_their_order(genod_data):
    from training.data.coco_photos import CocoPhotos

    labels = CocoPhotos(genod_data / "detection" / "coco_mini", "val").category_names
    for published in PUBLISHED.values():
        assert published.labels == tuple(labels)
        assert len(published.rows) == 80
        assert published.rows[0] == 1  # 0 is the background
