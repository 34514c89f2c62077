"""The distillation loss against a plain loop written from its two equations."""

import math

import pytest
import torch

from training.detector.fcos_outputs import HeadOutputs
from training.engine.distillation import distillation_loss


def outputs(seed, locations=6, classes=3, bins=4):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, locations, 4, bins, generator=generator)
    return HeadOutputs(
        torch.randn(2, locations, classes, generator=generator),
        torch.zeros(2, locations),
        logits,
    )


def loss_by_loop(student, teacher, locations):
    total = objectness_sum = 0.0
    for image in range(2):
        for k in range(locations):
            best = 0.0
            for c in range(3):
                p = 1 / (1 + math.exp(-float(student.class_logits[image, k, c])))
                q = 1 / (1 + math.exp(-float(teacher.class_logits[image, k, c])))
                best = max(best, q)
                total += abs(p - q) ** 2 * -(q * math.log(p) + (1 - q) * math.log(1 - p))
            objectness_sum += best
            for side in range(4):
                p_bins = student.distance_logits[image, k, side].softmax(-1).tolist()
                q_bins = teacher.distance_logits[image, k, side].softmax(-1).tolist()
                total += best * sum(q * math.log(q / p) for p, q in zip(p_bins, q_bins, strict=True))
    return total / max(1.0, objectness_sum)


@pytest.mark.parametrize("locations", [6, 4])
def test_equals_the_loop_over_the_locations_the_teacher_knows(locations):
    student, teacher = outputs(0), outputs(1)
    loss = distillation_loss(student, teacher, locations=locations)
    assert float(loss) == pytest.approx(loss_by_loop(student, teacher, locations), rel=1e-4)


def test_a_student_that_agrees_pays_nothing():
    teacher = outputs(1)
    assert float(distillation_loss(teacher, teacher, locations=6)) == pytest.approx(0.0, abs=1e-6)
