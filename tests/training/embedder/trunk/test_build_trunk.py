"""Small stand-ins for the published networks: what is loaded is the same whatever its size."""

from urllib.error import URLError

import pytest
import torch
from torch import nn
from torchvision.models import ResNet, VisionTransformer
from torchvision.models.resnet import Bottleneck

from training.embedder.errors import TrunkError
from training.embedder.trunk import build_trunk as module
from training.embedder.trunk.build_trunk import build_trunk, crop_multiple_px
from training.embedder.trunk.mobilenet_v1 import MobileNetV1
from training.embedder.trunk.synchronised_norm import SynchronisedBatchNorm2d
from training.embedder.trunk.torchvision_trunks import ResNetTrunk, ViTTrunk
from training.engine.checkpoint import save_checkpoint


def small_resnext():
    return ResNet(Bottleneck, [1, 1, 1, 1], groups=32, width_per_group=4, num_classes=10)


def small_vit(image_size=32):
    return VisionTransformer(
        image_size=image_size, patch_size=16, num_layers=1, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=5
    )


@pytest.fixture
def small(monkeypatch):
    """Trunks of the real layout and a fraction of the size."""
    resnext, vit = module._BODIES["resnext101_32x4d"], module._BODIES["vit_b_16"]
    monkeypatch.setattr(
        module,
        "_BODIES",
        {
            "resnext101_32x4d": module._Body(make=small_resnext, url=resnext.url, trunk_of=resnext.trunk_of),
            "vit_b_16": module._Body(make=small_vit, url=vit.url, trunk_of=vit.trunk_of),
        },
    )


def trained(body):
    """Norms that differ from where they start, as after training."""
    torch.manual_seed(1)
    for name, value in body.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "running_var" in name else torch.randn_like(value) * 0.1)
    return body.eval()


def save_run(folder, trunk):
    state = {f"trunk.{name}": value for name, value in trunk.state_dict().items()}
    save_checkpoint(folder / "last.pt", {"averaged": state | {"embedding.weight": torch.ones(2, 2)}})


def pixels(size=32):
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255


def test_the_resnext_is_the_papers():
    """GrokNet, section 3.2: 101 layers, 32 groups of width 4, 43M parameters."""
    with torch.device("meta"):
        body = module._BODIES["resnext101_32x4d"].make()
    convolutions = [m for n, m in body.named_modules() if isinstance(m, nn.Conv2d) and "downsample" not in n]
    assert len(convolutions) + 1 == 101
    grouped = [conv for conv in convolutions if conv.groups > 1]
    assert len(grouped) == 3 + 4 + 23 + 3
    assert all(conv.groups == 32 for conv in grouped)
    assert grouped[0].out_channels == 32 * 4
    of_trunk = sum(p.numel() for n, p in body.named_parameters() if not n.startswith("fc."))
    assert 42e6 < of_trunk < 43e6  # and 2M of ImageNet's classes


@pytest.mark.parametrize(
    ("name", "kind", "channels", "size", "cells"),
    [
        ("mobilenet_v1", MobileNetV1, 768, 64, 2),
        ("resnet50", ResNetTrunk, 2048, 64, 2),
        ("vit_b_16", ViTTrunk, 768, 32, 1),
    ],
)
def test_a_trunk_from_scratch_maps_crops_to_features(name, kind, channels, size, cells):
    torch.manual_seed(0)
    trunk = build_trunk(name, "scratch", crop_px=size).eval()
    assert isinstance(trunk, kind)
    assert trunk.out_channels == channels
    with torch.inference_mode():
        features = trunk(pixels(size))
    assert features.shape == (2, channels, cells, cells)
    assert features.isfinite().all()


def test_imagenet_arrays_are_mobilenets(genod_data):
    trunk = build_trunk("mobilenet_v1", "imagenet_arrays", crop_px=224).eval()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in trunk.modules())
    synchronised = build_trunk("mobilenet_v1", "imagenet_arrays", crop_px=224, norms="synchronised").eval()
    with torch.inference_mode():
        torch.testing.assert_close(trunk(pixels(64)), synchronised(pixels(64)), rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("norms", ["frozen", "synchronised"])
def test_a_file_of_weights_by_torchvisions_names_is_loaded(tmp_path, norms):
    body = trained(small_resnext())
    torch.save(body.state_dict(), tmp_path / "weights.pth")
    trunk = build_trunk("resnext101_32x4d", str(tmp_path / "weights.pth"), crop_px=32, norms=norms).eval()
    with torch.inference_mode():
        expected = ResNetTrunk(body=body)(pixels())
        torch.testing.assert_close(trunk(pixels()), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    kinds = {type(m) for m in trunk.modules()}
    assert nn.BatchNorm2d not in kinds
    assert (SynchronisedBatchNorm2d in kinds) == (norms == "synchronised")


@pytest.mark.usefixtures("small")
def test_a_vits_positions_are_interpolated_to_the_crops(tmp_path):
    vit = trained(small_vit(image_size=32))
    torch.save(vit.state_dict(), tmp_path / "weights.pth")
    same = build_trunk("vit_b_16", str(tmp_path / "weights.pth"), crop_px=32).eval()
    larger = build_trunk("vit_b_16", str(tmp_path / "weights.pth"), crop_px=64).eval()
    with torch.inference_mode():
        torch.testing.assert_close(same(pixels()), ViTTrunk(vit=vit)(pixels()))
        assert larger(pixels(64)).shape == (2, 8, 1, 1)
    assert larger.state_dict()["vit.encoder.pos_embedding"].shape == (1, 1 + 16, 8)


@pytest.mark.usefixtures("small")
def test_imagenet_fetches_the_published_file_and_checks_its_hash(monkeypatch):
    body = trained(small_resnext())
    asked = []

    def fetch(url, **options):
        asked.append((url, options["check_hash"]))
        return body.state_dict()

    monkeypatch.setattr(module, "load_state_dict_from_url", fetch)
    trunk = build_trunk("resnext101_32x4d", "imagenet", crop_px=32).eval()
    assert asked == [(module.RESNEXT101_32X4D_URL, True)]
    with torch.inference_mode():
        expected = ResNetTrunk(body=body)(pixels())
        torch.testing.assert_close(trunk(pixels()), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("invalid hash value")])
def test_without_a_network_it_says_what_to_do_instead(monkeypatch, error):
    def fail(url, **options):
        raise error

    monkeypatch.setattr(module, "load_state_dict_from_url", fail)
    with pytest.raises(TrunkError, match=r"cannot be fetched .* give the file as trunk_from, or start from a run"):
        build_trunk("resnext101_32x4d", "imagenet", crop_px=32)


@pytest.mark.parametrize("norms", ["frozen", "synchronised"])
def test_an_earlier_runs_trunk_is_taken_over(tmp_path, norms):
    torch.manual_seed(0)
    earlier = build_trunk("mobilenet_v1", "scratch", crop_px=32, norms=norms).eval()
    save_run(tmp_path, earlier)
    trunk = build_trunk("mobilenet_v1", str(tmp_path), crop_px=32, norms=norms).eval()
    with torch.inference_mode():
        assert torch.equal(trunk(pixels()), earlier(pixels()))


def test_norms_that_learnt_can_be_frozen_in_a_later_run(tmp_path):
    torch.manual_seed(0)
    earlier = trained(build_trunk("mobilenet_v1", "scratch", crop_px=32, norms="synchronised"))
    save_run(tmp_path, earlier)
    trunk = build_trunk("mobilenet_v1", str(tmp_path), crop_px=32).eval()
    with torch.inference_mode():
        torch.testing.assert_close(trunk(pixels()), earlier(pixels()), rtol=1e-3, atol=1e-4)


def test_frozen_norms_cannot_learn_again(tmp_path):
    save_run(tmp_path, build_trunk("mobilenet_v1", "scratch", crop_px=32))
    with pytest.raises(TrunkError, match="trained with frozen norms, of which none are left to learn"):
        build_trunk("mobilenet_v1", str(tmp_path), crop_px=32, norms="synchronised")


@pytest.mark.usefixtures("small")
def test_a_run_of_another_trunk_is_refused(tmp_path):
    save_run(tmp_path, build_trunk("mobilenet_v1", "scratch", crop_px=32))
    with pytest.raises(TrunkError, match="does not hold the trunk that the recipe names"):
        build_trunk("resnext101_32x4d", str(tmp_path), crop_px=32)
    with pytest.raises(TrunkError, match="holds no vision transformer"):
        build_trunk("vit_b_16", str(tmp_path), crop_px=32)


@pytest.mark.parametrize(
    ("name", "trunk_from", "message"),
    [
        ("mobilenet_v1", "imagenet", "say imagenet_arrays"),
        (
            "resnet50",
            "imagenet_arrays",
            "imagenet_arrays is for mobilenet_v1; resnet50 starts from",
        ),
        (
            "resnet50",
            "runs/there_is_none",
            "neither imagenet_arrays, imagenet or scratch, nor a run",
        ),
    ],
)
def test_what_there_is_not_is_refused(name, trunk_from, message):
    with pytest.raises(TrunkError, match=message):
        build_trunk(name, trunk_from, crop_px=64)


def test_without_the_data_folder_its_place_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GENOD_DATA", str(tmp_path / "none"))
    with pytest.raises(TrunkError, match="trunk_from: imagenet_arrays: no data folder at"):
        build_trunk("mobilenet_v1", "imagenet_arrays", crop_px=224)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(TrunkError, match=r"has no last.pt; train the recipe"):
        build_trunk("mobilenet_v1", str(tmp_path), crop_px=32)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"damaged")
    with pytest.raises(TrunkError, match="trunk_from: "):
        build_trunk("mobilenet_v1", str(tmp_path), crop_px=32)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("content", [b"text", None], ids=["no tensors", "something else"])
def test_a_file_that_holds_no_such_weights_is_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save({"a": 1}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(TrunkError, match=r"is no file of torch.save|must hold tensors by name"):
        build_trunk("resnext101_32x4d", str(path), crop_px=32)


def test_a_file_cannot_hold_a_mobilenet(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "weights.pth")
    with pytest.raises(TrunkError, match="mobilenet_v1 has imagenet_arrays"):
        build_trunk("mobilenet_v1", str(tmp_path / "weights.pth"), crop_px=32)


def test_crops_are_multiples_of_patches_or_strides():
    assert crop_multiple_px("vit_b_16") == 16
    assert crop_multiple_px("resnext101_32x4d") == 32
