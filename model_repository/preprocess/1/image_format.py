"""Which image format some bytes are in, told from how they start and never from a file name."""

from PIL import features

from image_refused import ImageRefusedError, RefusalReason

# Pillow's names of the only formats that reach a decoder. Pillow knows forty more: some start other programs
# (EPS), some decode in slow Python (BMP with run lengths), and each is more code within reach of the network.
#   JPEG       includes MPO, several JPEGs in one file as some phones write; the first one is the photo
#   JPEG 2000  is left out on purpose: no camera or browser writes it, and its decoder is large and slow
SUPPORTED_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", *(["AVIF"] if features.check("avif") else []))

_FORMAT_OF_PREFIX = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",  # BigTIFF
    b"MM\x00+": "TIFF",
    # Known only so that the refusal can name them.
    b"BM": "BMP",
    b"\x00\x00\x01\x00": "ICO",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    b"%!PS": "PostScript",
    b"%PDF": "PDF",
    b"<svg": "SVG",
}

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def supported_format(data: bytes) -> str:
    """Finds the format of an encoded image.

    Args:
        data: The bytes of the file, not empty.

    Returns:
        One of SUPPORTED_FORMATS.

    Raises:
        ImageRefusedError: ``not_an_image`` or ``unsupported_format``.
    """
    found = _known_format(data)
    if found in SUPPORTED_FORMATS:
        return found
    allowed = f"send {', '.join(SUPPORTED_FORMATS[:-1])} or {SUPPORTED_FORMATS[-1]}"
    if found is None:
        raise ImageRefusedError(
            RefusalReason.NOT_AN_IMAGE,
            f"{len(data)} bytes that start like no image, {data[:8]!r}; {allowed}",
        )
    raise ImageRefusedError(RefusalReason.UNSUPPORTED_FORMAT, f"{found} is not read here; {allowed}")


def _known_format(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _format_of_brands(data)
    return next((name for prefix, name in _FORMAT_OF_PREFIX.items() if data.startswith(prefix)), None)


def _format_of_brands(data: bytes) -> str | None:
    """Tells AVIF from HEIF: one container, whose first box lists brands (ISO/IEC 14496-12, section 4.3)."""
    box_bytes = min(int.from_bytes(data[:4], "big"), 256)
    # Major brand, a version which is no brand, then the compatible ones.
    brands = {data[8:12], *(data[start : start + 4] for start in range(16, box_bytes, 4))}
    if not brands.isdisjoint(_AVIF_BRANDS):
        return "AVIF"
    return "HEIF" if not brands.isdisjoint(_HEIF_BRANDS) else None
