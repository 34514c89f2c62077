"""The jobs on painted pictures: that they run as their workers call them, and keep what they compute."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.scorecard.crop_features import CROP_PX, crop_features
from training.scorecard.embedder_arm import COMBINED, arm_of, base_arm
from training.scorecard.plan import QUICK
from training.scorecard.train_embedder_arm import train_embedder_arm
from training.scorecard.train_whole_trunk import random_windows, train_whole_trunk

COLOURS = {"dress": (220, 30, 30), "hat": (30, 200, 40), "shirt": (40, 40, 210)}


@pytest.fixture
def painted_clothes(tmp_path, genod_data, monkeypatch) -> Path:
    """A small clothing_small beside ImageNet's arrays."""
    folder = tmp_path / "data" / "retrieval" / "clothing_small"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "backbone").symlink_to(genod_data / "backbone")
    rows = []
    generator = np.random.default_rng(0)
    for role, count in (("train", 3), ("test", 2)):
        for label, colour in COLOURS.items():
            for number in range(count):
                pixels = np.clip(np.array(colour) + generator.normal(0, 25, (40, 30, 3)), 0, 255).astype(np.uint8)
                name = f"{role}_{label}_{number}.png"
                Image.fromarray(pixels).save(folder / name)
                rows.append({"file": name, "role": role, "label": label})
    (folder / "labels.json").write_text(json.dumps(rows))
    monkeypatch.setenv("GENOD_DATA", str(tmp_path / "data"))
    return tmp_path


def test_an_arm_trains_on_kept_features_and_its_bits_are_judged(painted_clothes) -> None:
    plan = replace(QUICK, embedder_steps=4, embedder_views=1)
    arm = base_arm(plan, 0, sets=("clothing_small",))
    job = arm.job()

    result = job.run(painted_clothes / "work")

    assert arm_of(job.arguments["arm"]) == arm
    assert arm.losses == COMBINED
    assert set(result["precision_at_1"]) == {"clothing_small"}
    assert set(result["precision_at_1"]["clothing_small"]) == {"float", "binary"}
    assert len(result["precision_at_1"]["clothing_small"]["float"]) == 6
    assert 1.0 <= result["power"] <= 10.0
    json.dumps(result, allow_nan=False)
    # What a feature job has kept is what the training reads.
    kept = sorted((painted_clothes / "work" / "crop_features").rglob("*.npz"))
    assert len(kept) == 3  # train as it is, one random view, val
    again = train_embedder_arm(painted_clothes / "work", arm=dict(job.arguments["arm"]))
    assert again["precision_at_1"] == result["precision_at_1"]
    for feature_job in arm.feature_jobs():
        assert feature_job.run(painted_clothes / "work")["crops"] in (6, 9)
    assert sorted((painted_clothes / "work" / "crop_features").rglob("*.npz")) == kept


def test_views_differ_and_each_is_always_the_same(painted_clothes) -> None:
    first, again, other = (
        crop_features(painted_clothes / name, "clothing_small", "train", None, view)
        for name, view in (("a", 1), ("b", 1), ("a", 2))
    )
    assert first.shape == (9, 768, CROP_PX // 32, CROP_PX // 32)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("trunk_from", ["imagenet_arrays", "scratch"])
def test_a_whole_trunk_trains_from_either_start(painted_clothes, trunk_from) -> None:
    result = train_whole_trunk(
        painted_clothes,
        trunk_from=trunk_from,
        sets=("clothing_small",),
        steps=2,
        crops_per_step=8,
        max_crops=None,
        seed=0,
    )
    assert len(result["precision_at_1"]["clothing_small"]["float"]) == 6


def test_windows_lie_within_the_crop() -> None:
    crops = torch.arange(72 * 72, dtype=torch.float32).view(1, 1, 72, 72).expand(3, 3, 72, 72)
    windows = random_windows(crops, np.random.default_rng(0))
    assert windows.shape == (3, 3, 64, 64)
    assert len({float(window[0, 0, 0]) for window in windows}) > 1
