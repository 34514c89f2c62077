"""Random views: each step does what its name says, and is drawn from torch's generator alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from training.embedder.data.crop_augmentation import CropAugmentation
from training.embedder.data.labelled_crop import LabelledCrop
from training.embedder.data.training_crops import TrainingCrops

NOTHING = CropAugmentation(
    crop_scale_range=(1.0, 1.0),
    crop_ratio_range=(1.0, 1.0),
    horizontal_flip=False,
    colour=0.0,
    hue=0.0,
    blur_share=0.0,
    erasing_share=0.0,
)
GRADIENT = Image.fromarray(
    np.stack([*np.meshgrid(np.linspace(0, 250, 48), np.linspace(0, 250, 64)), np.full((64, 48), 90.0)], -1).astype(
        np.uint8
    )
)


def views(augmentation, count=40, image=GRADIENT, seed=0):
    torch.manual_seed(seed)
    return torch.stack([augmentation(image, 32) for _ in range(count)]).float()


def test_with_everything_off_a_view_is_the_crop_stretched_to_a_square():
    pixels = views(NOTHING, 2)
    assert pixels.shape == (2, 3, 32, 32)
    assert torch.equal(pixels[0], pixels[1])
    assert pixels[0, 0, 0, 0] < 8 < 240 < pixels[0, 0, 0, -1]
    assert pixels[0, 1, 0, 0] < 8 < 240 < pixels[0, 1, -1, 0]


def test_a_resized_crop_shows_the_part_of_the_area_that_was_asked_for():
    shown = views(replace(NOTHING, crop_scale_range=(0.25, 0.25)))
    widths = shown[:, 0, 0, -1] - shown[:, 0, 0, 0]  # red grows to the right, by 250 over the whole crop
    heights = shown[:, 1, -1, 0] - shown[:, 1, 0, 0]
    torch.testing.assert_close(widths, torch.full_like(widths, 125.0), atol=10, rtol=0)
    torch.testing.assert_close(heights, torch.full_like(heights, 125.0), atol=10, rtol=0)
    assert shown[:, 0, 0, 0].std() > 20  # at different places


@pytest.mark.parametrize(("flip", "channel"), [("horizontal_flip", 0), ("vertical_flip", 1)])
def test_flips_mirror_about_every_second_view(flip, channel):
    shown = views(NOTHING.with_changes({flip: True}))
    mirrored = shown[:, channel, 0, 0] > shown[:, channel, -1, -1]
    assert 8 <= int(mirrored.sum()) <= 32


def test_colours_keep_the_shape_and_rotation_keeps_the_middle():
    plain = views(NOTHING, 1)[0]
    assert (views(replace(NOTHING, colour=0.5)) - plain).abs().amax() > 20
    turned = views(replace(NOTHING, rotation_deg=30.0))
    assert (turned[:, :, 0, 0] - plain[:, 0, 0]).abs().amax() > 50
    assert (turned[:, :, 15:17, 15:17] - plain[:, 15:17, 15:17]).abs().amax() < 12


def test_grey_views_have_no_colour_and_blurred_ones_no_edges():
    grey = views(replace(NOTHING, grey_share=1.0))
    assert torch.equal(grey[:, 0], grey[:, 1])
    stripes = Image.fromarray(np.tile(np.array([[0], [255]], np.uint8), (16, 32, 1)).repeat(3, -1).reshape(32, 32, 3))
    sharp, blurred = (views(replace(NOTHING, blur_share=share), image=stripes) for share in (0.0, 1.0))
    assert blurred.std(dim=(1, 2, 3)).mean() < sharp.std(dim=(1, 2, 3)).mean()


def test_erasing_paints_over_a_part():
    changed = (views(replace(NOTHING, erasing_share=1.0)) != views(NOTHING, 1)).any(dim=1).float().mean(dim=(1, 2))
    assert 0.01 < changed.min() < changed.max() < 0.3


def test_a_view_depends_on_the_generator_alone():
    everything = CropAugmentation(
        vertical_flip=True, rotation_deg=20.0, grey_share=0.3, blur_share=0.5, erasing_share=0.5
    )
    assert torch.equal(views(everything), views(everything))
    assert not torch.equal(views(everything), views(everything, seed=1))


def test_a_crop_of_one_pixel_has_a_view():
    assert views(CropAugmentation(), image=Image.new("RGB", (1, 1))).shape == (40, 3, 32, 32)


def test_a_file_that_has_gone_is_said_and_nothing_is_known_of_its_stand_in(tmp_path, capsys):
    crop = LabelledCrop(
        path=tmp_path / "gone.png", box_xyxy_px=None, product="p", data_set="set", split="train", labels={}
    )
    sample = TrainingCrops([crop], {"set": NOTHING}, crop_px=32)[0]
    assert not sample.is_readable
    assert sample.pixels.shape == (3, 32, 32)
    assert "left out, cannot be read" in capsys.readouterr().err
