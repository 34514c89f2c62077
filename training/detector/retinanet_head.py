"""RetinaNet's head: nine anchors a location, each with a score per class and a box."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import RetinaNetClassificationHead, RetinaNetRegressionHead
from torchvision.ops import box_iou

from training.detector.backbone import STRIDES
from training.detector.candidates import CANDIDATES_PER_IMAGE, Candidates, best_pairs, filled_up
from training.detector.class_losses import focal_loss
from training.detector.global_batch import sum_over_processes
from training.detector.head import DetectionHead, GroundTruth, LevelSizes

OBJECT_IOU = 0.5
BACKGROUND_IOU = 0.4
"""An anchor answers for the object it overlaps by at least the one; it is background below the other, and neither in
between (RetinaNet, section 4)."""

SIZES_PER_LEVEL = tuple(tuple(int(4 * s * 2 ** (k / 3)) for k in range(3)) for s in STRIDES)
"""Square roots of the anchors' areas in canvas pixels: 32, 40, 50 on P3 to 512, 645, 812 on P7."""
ASPECT_RATIOS = (0.5, 1.0, 2.0)


class RetinaNetOutputs(NamedTuple):
    """What the head says of every anchor; A = anchors of all levels, P3..P7, rows first, nine a location."""

    class_logits: Tensor
    """[N, A, classes]"""
    box_regression: Tensor
    """[N, A, 4]: the box relative to the anchor, in torchvision's (and Faster R-CNN's) code."""


class RetinaNetHead(DetectionHead[RetinaNetOutputs]):
    """The head of RetinaNet, figure 3, of torchvision's layers, so that its published weights fit by name.

    torchvision's convolutions are four to a tower without norm, as the paper's; the box loss is L1, where the paper has
    smooth L1. Anchors lie on locations k * stride, also where a canvas is no multiple of 128; torchvision then divides
    the canvas by the cells of P6 and P7.
    """

    def __init__(self, *, in_channels: int, num_classes: int) -> None:
        super().__init__(in_channels=in_channels, num_classes=num_classes)
        self._anchors = AnchorGenerator(SIZES_PER_LEVEL, (ASPECT_RATIOS,) * len(STRIDES))
        anchors_per_location = len(SIZES_PER_LEVEL[0]) * len(ASPECT_RATIOS)
        self.classification_head = RetinaNetClassificationHead(in_channels, anchors_per_location, num_classes)
        self.regression_head = RetinaNetRegressionHead(in_channels, anchors_per_location)
        self._box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        # Every object gets its best anchor, however little that overlaps it.
        self._matcher = Matcher(OBJECT_IOU, BACKGROUND_IOU, allow_low_quality_matches=True)

    def forward(self, features_per_level: tuple[Tensor, ...]) -> RetinaNetOutputs:
        """Map P3..P7, each [N, C, H, W], to the outputs of all their anchors."""
        features = list(features_per_level)
        return RetinaNetOutputs(self.classification_head(features), self.regression_head(features))

    def class_layers(self) -> tuple[nn.Module, ...]:
        """Return the layer over anchors and classes."""
        return (self.classification_head.cls_logits,)

    def losses(self, outputs: RetinaNetOutputs, level_sizes: LevelSizes, truth: GroundTruth) -> dict[str, Tensor]:
        """Return the focal loss and the L1 loss of the boxes, per matched anchor of the batch."""
        anchors = self.anchors(level_sizes, outputs.class_logits.device)
        class_indices, boxes, is_counted = zip(
            *(
                self._assign(anchors, boxes, class_indices)
                for boxes, class_indices in zip(truth.boxes_per_image, truth.class_indices_per_image, strict=True)
            ),
            strict=True,
        )
        classes = torch.stack(class_indices)  # (N, A)
        is_positive = classes >= 0
        num_positives = sum_over_processes(is_positive.sum()).clamp(min=1)
        focal = focal_loss(outputs.class_logits, classes, truth.class_is_known, truth.is_ancestor)
        wanted = self._box_coder.encode_single(
            torch.stack(boxes)[is_positive], anchors.expand(len(classes), -1, -1)[is_positive]
        )
        return {
            "classification": (focal * torch.stack(is_counted).unsqueeze(-1)).sum() / num_positives,
            "box": (outputs.box_regression[is_positive] - wanted).abs().sum() / num_positives,
        }

    def candidates(
        self,
        outputs: RetinaNetOutputs,
        level_sizes: LevelSizes,
        class_ids: Tensor,
        *,
        count: int = CANDIDATES_PER_IMAGE,
    ) -> Candidates:
        """Return the best pairs, scored by class probability, each box as its centre and half its sides."""
        pairs = best_pairs(outputs.class_logits, None, count=count)
        images, rows = pairs.location_index.shape
        anchors = self.anchors(level_sizes, class_ids.device)[pairs.location_index]
        regression = outputs.box_regression.gather(1, pairs.location_index.unsqueeze(-1).expand(-1, -1, 4))
        boxes = self._box_coder.decode_single(regression.flatten(0, 1), anchors.flatten(0, 1))
        boxes = boxes.view(images, rows, 4)
        half_sides = (boxes[..., 2:] - boxes[..., :2]) / 2
        return filled_up(
            Candidates(
                # An anchor may lie outside the box that it answers with; the box's own centre never does.
                locations=(boxes[..., :2] + boxes[..., 2:]) / 2,
                distances=half_sides.repeat(1, 1, 2),
                scores=pairs.probabilities,
                class_ids=class_ids[pairs.class_index],
            ),
            count,
        )

    def anchors(self, level_sizes: LevelSizes, device: torch.device) -> Tensor:
        """Return the anchors [A, 4], x1, y1, x2, y2 in canvas pixels."""
        self._anchors.set_cell_anchors(torch.float32, device)
        strides = [[torch.tensor(stride, device=device)] * 2 for stride in STRIDES]
        return torch.cat(self._anchors.grid_anchors([list(size) for size in level_sizes], strides))

    def _assign(self, anchors: Tensor, boxes: Tensor, class_indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return of each anchor the class or -1, the object's box, and whether its classification counts."""
        if len(boxes) == 0:
            nothing = torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
            return nothing, torch.zeros_like(anchors), torch.ones_like(nothing, dtype=torch.bool)
        object_index: Tensor = self._matcher(box_iou(boxes, anchors))
        is_positive = object_index >= 0
        of_object = object_index.clamp(min=0)
        return (
            torch.where(is_positive, class_indices[of_object], -1),
            boxes[of_object],
            object_index != Matcher.BETWEEN_THRESHOLDS,
        )
