"""Backbones beside the demo's: folded norms, deformable convolutions, a transformer's positions."""

import onnxruntime
import pytest
import torch
from torch import nn
from torchvision.models import VisionTransformer
from torchvision.models.resnet import Bottleneck, ResNet

from training.detector.deformable import ModulatedDeformConv2d, make_deformable
from training.detector.fold_norms import fold_batch_norms
from training.detector.resnet_fpn import ResNetFPN
from training.detector.vit_pyramid import ViTPyramid

STRIDES = (8, 16, 32, 64, 128)


def random_norms(network):
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            state = layer.state_dict()  # the tensors themselves
            for name in ("weight", "bias", "running_mean"):
                nn.init.normal_(state[name], std=0.5)
            nn.init.uniform_(state["running_var"], 0.3, 2.0)


def test_a_network_with_its_norms_folded_says_the_same():
    torch.manual_seed(0)
    network = ResNet(Bottleneck, [1, 1, 1, 1]).eval()
    random_norms(network)
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = network(images)
        fold_batch_norms(network)
        torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-4)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_deformable_convolution_starts_as_the_one_it_replaces():
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 4, 3, stride=2, padding=1)
    x = torch.randn(2, 6, 9, 11)
    torch.testing.assert_close(ModulatedDeformConv2d(conv)(x), conv(x), rtol=1e-4, atol=1e-5)


def test_a_deformable_convolution_takes_weighted_taps_where_its_offsets_point():
    """Deformable ConvNets v2, equation 1, as a loop with bilinear sampling."""
    torch.manual_seed(0)
    layer = ModulatedDeformConv2d(nn.Conv2d(2, 3, 3, padding=1))
    nn.init.normal_(layer.offsets_and_weights.weight, std=0.3)
    x = torch.randn(1, 2, 5, 6)
    with torch.no_grad():
        out = layer(x)
        offsets, weights = layer.offsets_and_weights(x).split([18, 9], dim=1)
    row, column = 2, 3
    for channel in range(3):
        total = layer.conv.bias[channel].item()
        for tap in range(9):
            y = row - 1 + tap // 3 + offsets[0, 2 * tap, row, column].item()
            at_x = column - 1 + tap % 3 + offsets[0, 2 * tap + 1, row, column].item()
            weight = weights[0, tap, row, column].sigmoid().item()
            for c in range(2):
                total += layer.conv.weight[channel, c, tap // 3, tap % 3].item() * weight * bilinear(x[0, c], y, at_x)
        assert out[0, channel, row, column].item() == pytest.approx(total, abs=1e-4)


def bilinear(plane, y, x):
    total = 0.0
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            total += max(0.0, 1 - abs(y - row)) * max(0.0, 1 - abs(x - column)) * plane[row, column].item()
    return total


def test_stages_2_to_4_are_deformable_and_stage_1_is_not():
    backbone = ResNetFPN(body=ResNet(Bottleneck, [1, 2, 1, 1]), deformable_stages=(2, 3, 4), out_channels=32)
    body = backbone.network.body
    counts = [sum(isinstance(m, ModulatedDeformConv2d) for m in body[f"layer{k}"].modules()) for k in (1, 2, 3, 4)]
    assert counts == [0, 2, 1, 1]


def test_deformable_convolutions_are_exported_as_one_operation_that_onnx_runtime_runs(tmp_path):
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU())
    make_deformable(block)
    nn.init.normal_(block.state_dict()["0.offsets_and_weights.weight"], std=0.3)
    x = torch.randn(2, 4, 12, 10)
    program = torch.onnx.export(block.eval(), (x,), dynamo=True, opset_version=19, verbose=False)
    assert program is not None
    assert "DeformConv" in [node.op_type for node in program.model_proto.graph.node]
    program.save(tmp_path / "block.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "block.onnx", providers=["CPUExecutionProvider"])
    other = torch.randn(2, 4, 12, 10)
    (got,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(got), block(other), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("canvas", [(416, 672), (672, 416), (96, 160)])
def test_a_transformer_sees_canvases_of_any_shape(canvas):
    torch.manual_seed(0)
    vit = VisionTransformer(image_size=64, patch_size=16, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16)
    backbone = ViTPyramid(vit=vit, out_channels=32).eval()
    with torch.no_grad():
        features = backbone(torch.zeros(1, *canvas, 3, dtype=torch.uint8))
    assert [tuple(f.shape) for f in features] == [(1, 32, -(-canvas[0] // s), -(-canvas[1] // s)) for s in STRIDES]


def test_at_the_size_it_was_trained_for_a_transformer_is_torchvisions():
    torch.manual_seed(0)
    vit = VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=16).eval()
    nn.init.normal_(vit.encoder.pos_embedding)
    images = torch.randn(2, 3, 64, 64)
    tokens = vit._process_input(images)
    with torch.no_grad():
        expected = vit.encoder(torch.cat([vit.class_token.expand(2, -1, -1), tokens], dim=1))[:, 1:]
        got = ViTPyramid(vit=vit, out_channels=32).eval()._last_map(images)
    torch.testing.assert_close(got.flatten(2).transpose(1, 2), expected, rtol=1e-4, atol=1e-5)


def test_patches_of_another_size_are_refused():
    vit = VisionTransformer(image_size=64, patch_size=32, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=16)
    with pytest.raises(ValueError, match="patches of 16 px, got 32"):
        ViTPyramid(vit=vit)
