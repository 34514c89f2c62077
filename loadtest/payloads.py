"""The photos that are sent: those of a folder, or a generated mix of sizes, orientations and formats."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from loadtest.errors import PayloadError, UsageError
from loadtest.results.json_values import JsonObject

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}

# Appended to a photo to make its bytes new to the server's response cache: decoders stop at the image's end.
STAMP_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """An encoded photo.

    Attributes:
        name: file name, or what was generated.
        content: the bytes of the image file.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Shares of what is generated; the shares of a group add up to 1.

    Attributes:
        count: how many different photos.
        landscape, portrait, square: shares of the orientations; the long side is 4/3 of the short one.
        small_side_px, medium_side_px, large_side_px: longer sides of the three sizes.
        small, medium, large: their shares.
        jpeg, png, webp: shares of the formats.
    """

    count: int = 24
    landscape: float = 0.5
    portrait: float = 0.35
    square: float = 0.15
    small_side_px: int = 320
    medium_side_px: int = 800
    large_side_px: int = 1600
    small: float = 0.3
    medium: float = 0.5
    large: float = 0.2
    jpeg: float = 0.8
    png: float = 0.1
    webp: float = 0.1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise PayloadError(f"A mix needs at least one photo, not {self.count}.")
        for names in (("landscape", "portrait", "square"), ("small", "medium", "large"), ("jpeg", "png", "webp")):
            shares = [getattr(self, name) for name in names]
            if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
                raise PayloadError(f"The shares {', '.join(names)} must be 0 or more and add up to 1, not {shares}.")


def photos_of_folder(folder: Path) -> tuple[Photo, ...]:
    """Read all JPEG, PNG and WebP files of a folder, in the order of their names.

    Raises:
        PayloadError: there is no such folder, nothing in it, or a file that is empty, unreadable or no image.
    """
    if not folder.is_dir():
        raise PayloadError(f"There is no folder of photos at {folder}. Leave --photos out to send generated ones.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in FORMATS and file.is_file())
    if not files:
        raise PayloadError(
            f"The folder {folder} has no photos: no file ends in {', '.join(FORMATS)}. "
            "Leave --photos out to send generated ones."
        )
    return tuple(Photo(name=file.name, content=_read_photo(file)) for file in files)


def _read_photo(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for broken files
        reason = getattr(error, "strerror", None) or ("it is empty" if not content else "it is not a readable image")
        raise PayloadError(
            f"Cannot send {file}: {reason}. The server would refuse it, and the load test would count its own mistake "
            "as the server's. Remove it from the folder."
        ) from error
    return content


def generate_photos(mix: Mix, *, seed: int) -> tuple[Photo, ...]:
    """Draw photos with coarse and fine structure, so that they take about as many bytes as photographs do.

    The shares are met as exactly as the count allows (largest remainders), not by chance.

    Returns:
        `mix.count` photos; the same for the same seed.
    """
    rng = np.random.default_rng([seed, 2])
    orientations = _apportion({"landscape": mix.landscape, "portrait": mix.portrait, "square": mix.square}, mix.count)
    sides = _apportion({"small": mix.small, "medium": mix.medium, "large": mix.large}, mix.count)
    formats = _apportion({"JPEG": mix.jpeg, "PNG": mix.png, "WEBP": mix.webp}, mix.count)
    # Else the first few would be the landscape ones, the small ones and the JPEGs at once.
    rng.shuffle(sides)
    rng.shuffle(formats)
    photos = []
    for number, (orientation, size, format_) in enumerate(zip(orientations, sides, formats, strict=True)):
        side = getattr(mix, f"{size}_side_px")
        short = side if orientation == "square" else side * 3 // 4
        width, height = (short, side) if orientation == "portrait" else (side, short)
        content = _encode(_draw(rng, width, height), format_)
        photos.append(Photo(name=f"generated-{number:03d}-{width}x{height}.{format_.lower()}", content=content))
    return tuple(photos)


def _apportion(shares: dict[str, float], count: int) -> list[str]:
    quotas = {name: share * count for name, share in shares.items()}
    counts = {name: int(quota) for name, quota in quotas.items()}
    for name in sorted(quotas, key=lambda name: counts[name] - quotas[name])[: count - sum(counts.values())]:
        counts[name] += 1
    return [name for name, times in counts.items() for _ in range(times)]


def _draw(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    coarse = Image.fromarray(rng.integers(0, 256, size=(9, 12, 3), dtype=np.uint8)).resize((width, height))
    grain = rng.integers(-10, 11, size=(height, width, 1), dtype=np.int16)
    pixels = np.clip(np.asarray(coarse, dtype=np.int16) + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _encode(image: Image.Image, format_: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **({"compress_level": 1} if format_ == "PNG" else {"quality": 85}))
    return file.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Which bytes each request sends.

    Attributes:
        photos: index of the photo of each request, int32.
        stamps: number that makes its bytes unique, int64; requests with equal photo and stamp send equal bytes.
    """

    photos: NDArray[np.int32]
    stamps: NDArray[np.int64]


def draw_photos(*, photo_count: int, request_count: int, duplicate_rate: float, seed: int) -> Draw:
    """Choose what each request sends.

    A duplicate repeats the bytes of an earlier request, chosen uniformly among the different ones so far. All others
    send bytes that the server has not seen in this run, else a folder of 20 photos would measure its response cache.

    Args:
        photo_count: how many photos there are.
        request_count: how many requests there are.
        duplicate_rate: probability that a request is a duplicate, 0 to 1. The first one never is.
        seed: of the choice.
    """
    if not 0 <= duplicate_rate <= 1:
        raise UsageError(f"The duplicate rate is a share between 0 and 1, not {duplicate_rate}.")
    rng = np.random.default_rng([seed, 3])
    is_fresh = rng.random(request_count) >= duplicate_rate
    is_fresh[:1] = True
    photo_of_fresh = rng.integers(0, photo_count, size=int(is_fresh.sum()), dtype=np.int32)
    # The number of fresh requests before this one, itself included: any of those is a choice for a duplicate.
    fresh_so_far = np.cumsum(is_fresh)
    chosen = np.where(is_fresh, fresh_so_far - 1, (rng.random(request_count) * fresh_so_far).astype(np.int64))
    return Draw(photos=photo_of_fresh[chosen], stamps=chosen.astype(np.int64))


def describe(photos: tuple[Photo, ...], *, source: Literal["folder", "generated"], duplicate_rate: float) -> JsonObject:
    """Return what a report says about the photos."""
    sizes = [len(photo.content) for photo in photos]
    return {
        "source": source,
        "count": len(photos),
        "duplicate_rate": duplicate_rate,
        "mean_bytes": round(sum(sizes) / len(sizes)),
        "max_bytes": max(sizes),
        "formats": dict(Counter(Path(photo.name).suffix.lower().lstrip(".") for photo in photos)),
        "orientations": dict(Counter(_orientation(photo) for photo in photos)),
    }


def _orientation(photo: Photo) -> str:
    with Image.open(io.BytesIO(photo.content)) as image:
        # EXIF orientations 5 to 8 lie on their side.
        width, height = image.size if image.getexif().get(0x0112, 1) < 5 else image.size[::-1]
    return "square" if width == height else "landscape" if width > height else "portrait"
