"""What a fresh clone starts from: the committed graphs."""

import pytest
import torch

from tests.conftest import REPO_ROOT
from training.detector.fcos_head import FCOSHead
from training.detector.served_weights import (
    ServedWeightsError,
    load_served_head,
    newest_graph,
    served_class_ids,
)
from training.export.detector_graphs import export_head

SERVED = REPO_ROOT / "model_repository"
GENERIC_IDS = served_class_ids(newest_graph(SERVED, "head_generic"))


def head(num_classes, **size):
    torch.manual_seed(0)
    return FCOSHead(in_channels=128, num_classes=num_classes, **size)


def test_a_head_of_the_same_size_takes_everything_and_the_rows_of_its_classes():
    whole, part = head(len(GENERIC_IDS)), head(2)
    assert load_served_head(whole, GENERIC_IDS, SERVED, "head_generic") == []
    wanted = [GENERIC_IDS[46], GENERIC_IDS[3]]
    assert load_served_head(part, wanted, SERVED, "head_generic") == []
    assert torch.equal(part.classifiers[0].weight, whole.classifiers[0].weight[[46, 3]])
    assert torch.equal(part.classifiers[4].bias, whole.classifiers[4].bias[[46, 3]])
    assert torch.equal(part.towers[2][1][2].weight, whole.towers[2][1][2].weight)


def test_it_says_the_same_of_its_classes_as_the_served_head():
    whole, part = head(len(GENERIC_IDS)).eval(), head(1).eval()
    load_served_head(whole, GENERIC_IDS, SERVED, "head_generic")
    load_served_head(part, [GENERIC_IDS[15]], SERVED, "head_generic")
    features = tuple(torch.randn(1, 128, 8 >> k or 1, 8 >> k or 1) for k in range(5))
    with torch.no_grad():
        torch.testing.assert_close(part(features).class_logits[..., 0], whole(features).class_logits[..., 15])
        torch.testing.assert_close(part(features).distance_logits, whole(features).distance_logits)


def test_classes_that_it_does_not_have_start_new():
    new = load_served_head(head(1), [9999], SERVED, "head_generic")
    assert len(new) == 5
    assert all(layer.out_channels == 1 for layer in new)


def test_a_slim_head_takes_the_layers_that_fit():
    slim = head(1, tower_depth=1, tower_channels=64)
    new = load_served_head(slim, [GENERIC_IDS[0]], SERVED, "head_generic")
    # Per level the depth-wise layer, still 128 wide, fits; point-wise, classifier, centerness and regressor do not.
    assert len(new) == 5 * 4


def test_a_layer_whose_weights_do_not_fit_keeps_its_own_bias_too():
    slim, untouched = (head(2, tower_depth=1, tower_channels=64) for _ in range(2))
    new_layers = load_served_head(slim, [GENERIC_IDS[46], GENERIC_IDS[3]], SERVED, "head_generic")
    assert slim.classifiers[0] in new_layers
    for layer, same in zip(slim.modules(), untouched.modules(), strict=True):
        if layer in new_layers:
            for own, before in zip(layer.parameters(recurse=False), same.parameters(recurse=False), strict=True):
                assert torch.equal(own, before)


def test_a_slim_head_is_exported_and_gives_its_candidates(tmp_path):
    import onnxruntime

    path = tmp_path / "head.onnx"
    export_head(head(1, tower_depth=1, tower_channels=32).eval(), [7], path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    sizes = ((52, 84), (26, 42), (13, 21), (7, 11), (4, 6))
    feed = {f"p{k}": torch.randn(1, 128, h, w).numpy() for k, (h, w) in enumerate(sizes, start=3)}
    locations, _, scores, class_ids = session.run(["locations", "distances", "scores", "class_ids"], feed)
    assert locations.shape == (1, 1000, 2)
    assert (scores[0, :-1] >= scores[0, 1:]).all()
    assert set(class_ids.ravel().tolist()) == {7}


def test_a_model_that_is_not_there_is_named_beside_those_that_are(tmp_path):
    with pytest.raises(ServedWeightsError, match=r"no graph of 'head_cats'; there are: backbone, .*head_electronics"):
        newest_graph(SERVED, "head_cats")
    with pytest.raises(ServedWeightsError, match="there are: none"):
        newest_graph(tmp_path, "backbone")


def test_a_graph_that_is_no_head_is_refused():
    with pytest.raises(ServedWeightsError, match="no metadata class_ids"):
        served_class_ids(newest_graph(SERVED, "backbone"))
