"""Features are those of the served backbone, computed once, bounded on disk, and never stale."""

import os
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.conftest import REPO_ROOT
from tests.training.data.test_training_photos import photo
from training.data.augmentation import CanvasAugmentation
from training.data.feature_cache import FEATURE_NAMES, CachedFeatures, FeatureCache
from training.data.training_photos import TrainingPhotos
from training.detector.backbone import SharedBackbone
from training.detector.served_weights import load_served_backbone, newest_graph

GRAPH = newest_graph(REPO_ROOT / "model_repository", "backbone")
MIB = 2**20


def arrays(mib):
    return {"values": np.zeros(mib * MIB, np.uint8)}


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    labelled = [photo(folder, f"labelled{k}", (80, 60), ("cat", "dog")) for k in range(2)]
    return TrainingPhotos(labelled, [], [], ["dog"], CanvasAugmentation(shorter_side_range_px=(380, 420)))


def cached(photos, folder, *, views=2, limit_mib=500, seed=0, graph=GRAPH):
    return CachedFeatures(
        photos, backbone_graph=graph, views=views, folder=folder, limit_bytes=limit_mib * MIB, seed=seed
    )


def files(folder):
    return sorted(path.name for path in folder.glob("*/*.npz"))


def test_features_are_those_of_the_served_backbone_for_the_same_view(photos, tmp_path):
    features = cached(photos, tmp_path / "cache")
    sample = features[0]
    with torch.random.fork_rng():
        torch.manual_seed(int(features._key(0, 0)[:15], 16))
        pixels, _, _ = photos.augmented(0)
    backbone = SharedBackbone().eval()
    load_served_backbone(backbone, GRAPH)
    with torch.no_grad():
        expected = backbone(pixels[None])
    for name, kept, computed in zip(FEATURE_NAMES, sample.features, expected, strict=True):
        scale = computed.abs().max().item()
        torch.testing.assert_close(kept, computed[0], rtol=1e-3, atol=1e-3 * scale, msg=name)


def test_boxes_keep_the_heads_classes_and_lose_the_others(photos, tmp_path):
    sample = cached(photos, tmp_path / "cache")[0]
    assert sample.boxes.shape[0] == sample.class_indices.shape[0] <= 1
    assert sample.class_indices.tolist() in ([], [0])


def test_a_view_is_computed_once_and_read_afterwards(photos, tmp_path):
    first = cached(photos, tmp_path / "cache")
    computed = first[1]
    again = cached(photos, tmp_path / "cache")
    again._run_backbone = pytest.fail
    read = again[1]
    for a, b in zip(computed.features, read.features, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(computed.boxes, read.boxes)


def test_epochs_take_the_views_in_turns(photos, tmp_path):
    features = cached(photos, tmp_path / "cache", views=2)
    seen = []
    for epoch in range(4):
        features.epoch = epoch
        seen.append(features[0].features[0])
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert not torch.equal(seen[0], seen[1])
    assert len(files(tmp_path / "cache")) == 2


def test_another_backbone_photo_or_seed_is_another_file(photos, tmp_path):
    folder = tmp_path / "cache"
    cached(photos, folder)[0]
    other_graph = tmp_path / "other.onnx"
    shutil.copy(GRAPH, other_graph)
    with other_graph.open("ab") as file:
        file.write(b"\x72\x00")  # an empty metadata entry: the same graph, another file
    cached(photos, folder, graph=other_graph)[0]
    cached(photos, folder, seed=1)[0]
    os.utime(photos._photos[0].path, ns=(1, 1))
    cached(photos, folder)[0]
    assert len(files(folder)) == 4


def test_loading_in_a_worker_gives_the_same(photos, tmp_path):
    loader = DataLoader(cached(photos, tmp_path / "cache"), batch_size=2, collate_fn=list, num_workers=1)
    (batch,) = loader
    alone = cached(photos, tmp_path / "other")[1]
    for a, b in zip(batch[1].features, alone.features, strict=True):
        assert torch.equal(a, b)


def test_the_least_recently_used_go_when_the_limit_is_reached(tmp_path):
    cache = FeatureCache(tmp_path, limit_bytes=10 * MIB)
    for k in range(3):
        cache.put(f"{k}{k}", arrays(3))
        os.utime(tmp_path / f"{k}{k}" / f"{k}{k}.npz", ns=(k, k))
    assert cache.get("00") is not None  # used again: now 11 is the oldest
    cache.put("33", arrays(3))
    assert cache.get("11") is None
    assert cache.get("00") is not None
    assert cache.get("33") is not None
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.npz")) <= 10 * MIB


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path):
    cache = FeatureCache(tmp_path, limit_bytes=MIB)
    cache.put("00", arrays(2))
    assert cache.get("00") is None
    assert files(tmp_path) == []


def test_a_torn_file_counts_as_none_and_is_written_again(photos, tmp_path):
    folder = tmp_path / "cache"
    expected = cached(photos, folder)[0]
    (file,) = folder.glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    again = cached(photos, folder)[0]
    assert torch.equal(again.features[0], expected.features[0])
    assert file.stat().st_size > 1000


def test_a_full_disk_means_no_cache_and_no_error(tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    cache = FeatureCache(tmp_path, limit_bytes=10 * MIB)
    monkeypatch.setattr(np, "savez", full)
    cache.put("00", arrays(1))
    assert cache.get("00") is None
    assert list(tmp_path.rglob("*.tmp")) == []
