"""Which location answers for which object: FCOS's assignment."""

from typing import NamedTuple

import torch
from torch import Tensor

from training.detector.backbone import STRIDES

CENTER_SAMPLING_RADIUS = 1.5
"""In strides: a location is positive within this distance of the box's centre (FCOS, "improvements")."""

MAX_DISTANCE_IN_STRIDES = 8.0
"""A level answers for objects whose largest distance is within this many of its strides (FCOS, section 3.2: 64 for P3),
but not within the half of it, which is the level's below."""


class LocationTargets(NamedTuple):
    """Targets of one image's L locations."""

    class_indices: Tensor
    """INT64 [L]; -1 is background."""
    boxes: Tensor
    """FP32 [L, 4]: x1, y1, x2, y2 in canvas pixels of the object answered for; 0 where background."""
    centerness: Tensor
    """FP32 [L] in [0, 1]; 0 where background."""


def assign_locations(
    locations: Tensor,
    strides: Tensor,
    boxes: Tensor,
    class_indices: Tensor,
    *,
    max_distance_in_strides: float = MAX_DISTANCE_IN_STRIDES,
) -> LocationTargets:
    """Assign every location to the smallest object that claims it (FCOS, section 3.1).

    L = locations, M = objects.

    Args:
        locations: FP32 [L, 2], x and y in canvas pixels.
        strides: FP32 [L], canvas pixels.
        boxes: FP32 [M, 4], x1, y1, x2, y2 in canvas pixels.
        class_indices: INT64 [M].
        max_distance_in_strides: how far a level sees.
    """
    num_locations = len(locations)
    if len(boxes) == 0:
        background = torch.full((num_locations,), -1, dtype=torch.int64, device=locations.device)
        return LocationTargets(background, locations.new_zeros(num_locations, 4), locations.new_zeros(num_locations))
    # (L, M, 4): left, top, right, bottom
    distances = distances_to_sides(locations.unsqueeze(1), boxes.unsqueeze(0))
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    offset_from_center = (locations.unsqueeze(1) - centers.unsqueeze(0)).abs().amax(dim=-1)
    is_inside = distances.amin(dim=-1) > 0
    is_near_center = offset_from_center < CENTER_SAMPLING_RADIUS * strides.unsqueeze(1)
    largest_distance = distances.amax(dim=-1)
    upper = (max_distance_in_strides * strides).unsqueeze(1)
    is_first_level = (strides == STRIDES[0]).unsqueeze(1)
    is_last_level = (strides == STRIDES[-1]).unsqueeze(1)
    is_in_range = ((largest_distance > upper / 2) | is_first_level) & ((largest_distance <= upper) | is_last_level)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=-1)
    # (L, M): the area of each object that claims the location
    claims = torch.where(is_inside & is_near_center & is_in_range, areas, torch.inf)
    smallest_area, object_index = claims.min(dim=1)
    is_positive = smallest_area < torch.inf
    positive_boxes = torch.where(is_positive.unsqueeze(1), boxes[object_index], 0.0)
    return LocationTargets(
        class_indices=torch.where(is_positive, class_indices[object_index], -1),
        boxes=positive_boxes,
        centerness=torch.where(is_positive, centerness(distances_to_sides(locations, boxes[object_index])), 0.0),
    )


def distances_to_sides(locations: Tensor, boxes: Tensor) -> Tensor:
    """Return left, top, right, bottom [..., 4] from locations [..., 2] to the sides of boxes [..., 4]."""
    return torch.cat([locations - boxes[..., :2], boxes[..., 2:] - locations], dim=-1)


def centerness(distances: Tensor) -> Tensor:
    """Return how central a location lies in its box, [...] in [0, 1] (FCOS, equation 3)."""
    left, top, right, bottom = distances.clamp(min=0).unbind(dim=-1)
    horizontal = torch.minimum(left, right) / torch.maximum(left, right).clamp(min=1e-6)
    vertical = torch.minimum(top, bottom) / torch.maximum(top, bottom).clamp(min=1e-6)
    return (horizontal * vertical).sqrt()
