import pytest
import torch
from torchvision.models import ResNet, VisionTransformer, resnet50
from torchvision.models.resnet import Bottleneck

from training.embedder.trunk.torchvision_trunks import ResNetTrunk, ViTTrunk
from training.embedder.trunk.trunk import IMAGENET_MEAN_RGB, IMAGENET_STD_RGB


def tiny_vit(image_size=32):
    return VisionTransformer(
        image_size=image_size, patch_size=16, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=5
    )


def small_resnext():
    return ResNet(Bottleneck, [1, 1, 2, 1], groups=32, width_per_group=4, num_classes=10)


@pytest.mark.parametrize("make", [small_resnext, resnet50], ids=["resnext", "resnet50"])
def test_a_resnets_features_under_average_pooling_give_torchvisions_logits(make):
    torch.manual_seed(0)
    body = make().eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        expected = body(images)
        classes = body.fc
        features = ResNetTrunk(body=body).features(images)
        assert features.shape == (2, 2048, 2, 2)
        assert (features >= 0).all()
        torch.testing.assert_close(classes(features.mean(dim=(2, 3))), expected)


def test_a_vits_class_token_gives_torchvisions_logits():
    torch.manual_seed(0)
    vit = tiny_vit().eval()
    torch.nn.init.normal_(vit.heads.head.weight)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        expected = vit(images)
        classes = vit.heads
        features = ViTTrunk(vit=vit).features(images)
        assert features.shape == (2, 8, 1, 1)
        torch.testing.assert_close(classes(features.flatten(1)), expected)


def test_crops_are_normalised_inside():
    torch.manual_seed(0)
    trunk = ViTTrunk(vit=tiny_vit()).eval()
    crops = torch.rand(2, 3, 32, 32) * 255
    images = torch.stack([(crops[:, c] - IMAGENET_MEAN_RGB[c]) / IMAGENET_STD_RGB[c] for c in range(3)], dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(trunk(crops), trunk.features(images))


def test_a_resnets_parts_are_its_stem_and_its_four_stages():
    trunk = ResNetTrunk(body=small_resnext())
    found = [p for part in trunk.parts_in_order() for p in part.parameters()]
    assert len(trunk.parts_in_order()) == 5
    assert len(found) == len(set(map(id, found))) == len(list(trunk.parameters()))


def test_a_vits_parts_are_its_patches_and_its_blocks():
    trunk = ViTTrunk(vit=tiny_vit())
    found = {id(p) for part in trunk.parts_in_order() for p in part.parameters()}
    assert len(trunk.parts_in_order()) == 3
    assert {name for name, p in trunk.named_parameters() if id(p) not in found} == {
        "vit.class_token",
        "vit.encoder.pos_embedding",
        "vit.encoder.ln.weight",
        "vit.encoder.ln.bias",
    }
