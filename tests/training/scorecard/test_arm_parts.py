from collections import Counter

import pytest
import torch
from torchvision.ops import box_iou

from training.detector.backbone import STRIDES
from training.detector.fcos_head import FCOSHead
from training.detector.head import GroundTruth
from training.scorecard.arm_photos import filled_up
from training.scorecard.slim_retinanet_head import SlimRetinaNetHead
from training.scorecard.train_arm import TOWER_CHANNELS, TOWER_DEPTH, train_arm

LEVEL_SIZES = [(12, 12), (6, 6), (3, 3), (2, 2), (1, 1)]


@pytest.mark.parametrize("count", [3, 10, 24])
def test_a_schedule_shows_every_photo_as_evenly_as_the_count_allows(count) -> None:
    shown = filled_up(list("abcdefgh"), count, seed=1)

    assert len(shown) == count
    counts = Counter(shown)
    assert max(counts.values()) - min(counts[letter] for letter in "abcdefgh") <= 1
    assert shown == filled_up(list("abcdefgh"), count, seed=1)


def test_the_slim_retinanet_has_the_towers_of_the_slim_fcos() -> None:
    sizes = {"in_channels": 128, "num_classes": 5, "tower_depth": TOWER_DEPTH, "tower_channels": TOWER_CHANNELS}
    fcos, retinanet = FCOSHead(**sizes), SlimRetinaNetHead(**sizes)

    shapes = [{n: p.shape for n, p in head.towers.named_parameters()} for head in (fcos, retinanet)]
    assert shapes[0] == shapes[1]
    outside = sum(p.numel() for n, p in retinanet.named_parameters() if not n.startswith("towers."))
    assert outside == (64 + 1) * 9 * 5 + (64 + 1) * 9 * 4


def test_the_slim_retinanet_learns_one_object_and_answers_with_it() -> None:
    torch.manual_seed(0)
    head = SlimRetinaNetHead(in_channels=8, num_classes=2, tower_depth=1, tower_channels=16)
    features = tuple(torch.randn(1, 8, h, w) for h, w in LEVEL_SIZES)
    box = torch.tensor([[16.0, 24.0, 72.0, 80.0]])
    truth = GroundTruth(boxes_per_image=[box], class_indices_per_image=[torch.tensor([1])])
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    for _ in range(150):
        loss = torch.stack(list(head.losses(head(features), LEVEL_SIZES, truth).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    best = head.detect(features, torch.tensor([7, 9], dtype=torch.int32))

    assert len(STRIDES) == len(features)
    assert best.class_ids[0, 0] == 9
    assert best.scores[0, 0] > 0.3
    assert box_iou(best.boxes()[0, :1], box) > 0.7


def test_an_arm_is_trained_on_real_photos_and_detects_in_them(tmp_path, genod_data) -> None:
    from training.scorecard.four_sets import head_on_four_sets
    from training.scorecard.plan import Plan

    plan = Plan(
        epochs=1, rounds_per_epoch=1, cached_views=1, photos_per_set=3, val_photos_per_set=1, photos_cut_per_set=1
    )
    val_sets = ("fruit", "fruit@60", "fruit:products1")
    arm = head_on_four_sets(
        plan,
        0,
        label="tiny",
        sets=("fruit", "microcontrollers", "fruit:products1"),
        val_sets=val_sets,
        photos_per_epoch=8,
    )
    truths = {job.name: job.run(tmp_path) for job in arm.feature_jobs()}

    trained = train_arm(tmp_path, **arm.job().arguments)

    assert set(trained["detections"]) == set(val_sets)
    assert {"apple", "banana", "orange", "Arduino Nano"} <= set(trained["classes"])
    full, small = truths["val photos of fruit"], truths["val photos of fruit@60"]
    assert [a["bbox"] for a in full["annotations"]] == [a["bbox"] for a in small["annotations"]]
    assert all(len(truths[f"val photos of {name}"]["images"]) == 1 for name in val_sets)
    assert not list((tmp_path / "runs").iterdir())
