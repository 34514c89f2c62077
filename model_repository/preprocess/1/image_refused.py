"""The one error of this model: an image that is not accepted, and why."""

from enum import StrEnum


class RefusalReason(StrEnum):
    """Why an image is refused: a stable code, since clients map errors by it.

    A code is never renamed. Every message starts with ``image refused (<code>): ``.
    """

    EMPTY = "empty"
    """No bytes at all."""

    TOO_MANY_BYTES = "too_many_bytes"
    """The file is larger than the parameter ``max_image_bytes``."""

    NOT_AN_IMAGE = "not_an_image"
    """The bytes start like no image format that we know."""

    UNSUPPORTED_FORMAT = "unsupported_format"
    """A format, or a kind of pixel within a format, which this server does not read."""

    TOO_MANY_PIXELS = "too_many_pixels"
    """The header promises more pixels than the parameter ``max_image_pixels``; nothing was decoded."""

    BROKEN_IMAGE = "broken_image"
    """The start is that of a supported format, the rest is damaged or cut off."""

    MIXED_ORIENTATIONS = "mixed_orientations"
    """One request holds landscape and portrait images, whose canvases have different shapes."""


class ImageRefusedError(ValueError):
    """An image cannot be served; the fault lies with the image or its sender, not with the server.

    Attributes:
        reason: The machine-readable code.
        detail: What was wrong, what is allowed, what was received, what to do next.
    """

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(f"image refused ({reason}): {detail}")
        self.reason = reason
        self.detail = detail
