"""How large an image may be, read from the ``parameters`` of config.pbtxt."""

from collections.abc import Mapping
from dataclasses import dataclass

from image_refused import ImageRefusedError, RefusalReason


@dataclass(frozen=True)
class ImageLimits:
    """Largest accepted file and picture. The fields are named like the parameters of config.pbtxt."""

    max_image_bytes: int = 20_000_000
    """Bytes of the encoded file."""

    max_image_pixels: int = 100_000_000
    """Width times height that the header promises."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"parameter {name} must be a whole number of at least 1, got {value}")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> "ImageLimits":
        """Takes the limits named in a model's parameters and the defaults for the others.

        Args:
            parameters: Parameter name -> text, as in config.pbtxt; names that are no limit are left alone.

        Raises:
            ValueError: A limit is not a whole number of at least 1.
        """
        return cls(**{name: whole_number_parameter(parameters, name, default) for name, default in vars(cls()).items()})

    def check_bytes(self, size_bytes: int) -> None:
        """Refuses a file that is empty or too large.

        Raises:
            ImageRefusedError: ``empty`` or ``too_many_bytes``.
        """
        if size_bytes == 0:
            raise ImageRefusedError(RefusalReason.EMPTY, "received 0 bytes; send the bytes of an encoded image file")
        if size_bytes > self.max_image_bytes:
            raise ImageRefusedError(
                RefusalReason.TOO_MANY_BYTES,
                f"{size_bytes} bytes, the limit is {self.max_image_bytes} (parameter max_image_bytes); "
                "send a smaller or more strongly compressed image",
            )

    def check_pixels(self, width: int, height: int) -> None:
        """Refuses a picture with too many pixels.

        Raises:
            ImageRefusedError: ``too_many_pixels``.
        """
        if width * height > self.max_image_pixels:
            raise ImageRefusedError(
                RefusalReason.TOO_MANY_PIXELS,
                f"{width}x{height} = {_megapixels(width * height)} megapixels, the limit is "
                f"{_megapixels(self.max_image_pixels)} (parameter max_image_pixels); send a smaller image",
            )


def whole_number_parameter(parameters: Mapping[str, str], name: str, default: int) -> int:
    """Reads one parameter of config.pbtxt as a whole number.

    Raises:
        ValueError: The text is not a whole number.
    """
    text = parameters.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"parameter {name} must be a whole number, got {text!r}; correct it in this model's config.pbtxt"
        ) from None


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:.4g}" if pixels < 1e9 else f"{pixels / 1e6:.0f}"
