"""The two-step top-K against ranking every pair."""

import pytest
import torch

from training.detector.candidates import select_candidates
from training.detector.fcos_head import FCOSHead
from training.detector.fcos_outputs import HeadOutputs
from training.detector.locations import pyramid_locations
from training.detector.served_head import ServedHead

LEVEL_SIZES = [(26, 42), (13, 21), (7, 11), (4, 6), (2, 3)]


def random_outputs(seed, classes):
    generator = torch.Generator().manual_seed(seed)
    locations, strides = pyramid_locations(LEVEL_SIZES)
    logits = torch.randn(2, len(locations), 4, 8, generator=generator)
    outputs = HeadOutputs(
        # double, lest two of half a million scores tie
        torch.randn(2, len(locations), classes, generator=generator, dtype=torch.float64) * 3,
        torch.randn(2, len(locations), generator=generator, dtype=torch.float64),
        logits,
    )
    return outputs, locations, strides


@pytest.mark.parametrize("classes", [1, 4, 80])
def test_two_steps_give_exactly_the_best_pairs(classes):
    outputs, locations, strides = random_outputs(classes, classes)
    taxonomy_ids = torch.arange(10, 10 + classes, dtype=torch.int32)
    candidates = select_candidates(outputs, locations, strides, taxonomy_ids)
    for image in range(2):
        probabilities = outputs.class_logits[image].sigmoid() * outputs.centerness_logits[image].sigmoid().unsqueeze(1)
        ranked = [(p, k, c) for k, row in enumerate(probabilities.tolist()) for c, p in enumerate(row)]
        ranked.sort(reverse=True)
        for row, (squared_score, location, c) in enumerate(ranked[:1000]):
            assert candidates.scores[image, row].item() == pytest.approx(squared_score**0.5, abs=1e-6)
            assert candidates.class_ids[image, row] == 10 + c
            assert candidates.locations[image, row].tolist() == locations[location].tolist()
            probabilities = outputs.distance_logits[image, location].softmax(-1)
            expected = (probabilities @ torch.arange(8.0)) * strides[location]
            assert candidates.distances[image, row].tolist() == pytest.approx(expected.tolist())


def test_a_served_head_gives_1000_rows_best_first_with_taxonomy_ids():
    torch.manual_seed(0)
    head = ServedHead(FCOSHead(in_channels=16, num_classes=3), [7, 900, 12]).eval()
    features = [torch.randn(2, 16, h, w) for h, w in LEVEL_SIZES]
    with torch.no_grad():
        candidates = head(*features)
    assert candidates.scores.shape == (2, 1000)
    assert candidates.class_ids.dtype == torch.int32
    assert set(candidates.class_ids.unique().tolist()) <= {7, 12, 900}
    assert (candidates.scores.diff(dim=1) <= 0).all()
    assert (candidates.distances >= 0).all()


def test_a_head_refuses_taxonomy_ids_of_another_number_of_classes():
    with pytest.raises(ValueError, match="2 taxonomy ids for a head of 3 classes"):
        ServedHead(FCOSHead(in_channels=16, num_classes=3), [1, 2])
