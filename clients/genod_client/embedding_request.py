"""From what the caller of `embed` has to what is sent: the photo's bytes and boxes that lie in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genod_client.boxes import read_boxes, require_within
from genod_client.images import encode_image
from genod_client.photo_size import upright_size
from genod_client.results import Box

if TYPE_CHECKING:
    from genod_client.boxes import BoxesInput
    from genod_client.images import ImageInput


def encode_with_boxes(image: ImageInput, boxes: BoxesInput) -> tuple[bytes, tuple[Box, ...]]:
    """Return the bytes of an image file and the boxes to embed in it.

    Args:
        image: as for `images.encode_image`.
        boxes: as for `boxes.read_boxes`, in pixels of the upright photo.

    Raises:
        InvalidInputError: the image is nothing that can be sent, or a box is wrong or not within it.
    """
    read = read_boxes(boxes)
    encoded = encode_image(image)
    if (size := upright_size(encoded)) is not None:
        require_within(read, size)
    return encoded, read
