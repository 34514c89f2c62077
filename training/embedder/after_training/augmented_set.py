"""The set that augmentation writes: the known crops and the weak ones, told apart by `source`.

    OUT/labels.json    read by `read_crop_set` as any other: `data_sets: {./OUT: {...}}` in a recipe
    OUT/crops/         the weak crops, cut out

A product has one name per set, so the known crops are listed too (by the paths that they have), and the recipe names
this set in place of theirs. A weak row holds what tells it from the labels of people: `source: weak`, the `distance` to
the known crop `nearest`, the `photo` and `box_xyxy_px` that it was cut from, and the detector's `score`.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically
from training.embedder.after_training.errors import AugmentationError
from training.embedder.after_training.match_products import Match
from training.embedder.data import LabelledCrop
from training.embedder.data.labels_json import FILE, KIND_OF_FIELD

PEOPLE, WEAK = SOURCES = ("people", "weak")
JPEG_QUALITY = 95


def require_free(folder: Path) -> None:
    """Refuse to write over anything but an earlier set of ours.

    Raises:
        AugmentationError: the folder holds something else.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        is_ours = all(row.get("source") in SOURCES for row in json.loads((folder / FILE).read_bytes()))
    except (OSError, ValueError, AttributeError, TypeError):
        is_ours = False
    if not is_ours:
        raise AugmentationError(f"{folder} exists and is no augmented set: name another folder by --to")


def write_augmented_set(
    folder: Path,
    known: Sequence[LabelledCrop],
    candidates: Sequence[LabelledCrop],
    scores: Sequence[float],
    matches: Sequence[Match],
) -> Path:
    """Write the set; `labels.json` comes last, in one step.

    Args:
        folder: to write to; made if it is missing.
        known: crops with a product, of whole images.
        candidates: boxes of photos.
        scores: the detector's, of each candidate.
        matches: that are accepted.

    Returns:
        The path of labels.json.
    """
    (folder / "crops").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for crop in known:
        rows.append({"file": str(crop.path.resolve()), "role": "train", **_labels(crop), "source": PEOPLE})
    for match in matches:
        candidate, nearest = candidates[match.candidate], known[match.known]
        jpeg = io.BytesIO()
        candidate.open().save(jpeg, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        # Named by content, so that the list that is there stays right until the new one takes its place.
        file = f"crops/{hashlib.sha256(jpeg.getvalue()).hexdigest()[:16]}.jpg"
        write_atomically(folder / file, jpeg.getvalue())
        rows.append(
            {
                "file": file,
                "role": "train",
                **_labels(nearest),
                "source": WEAK,
                "distance": round(match.distance, 6),
                "nearest": str(nearest.path.resolve()),
                "photo": str(candidate.path.resolve()),
                "box_xyxy_px": [round(side, 2) for side in candidate.box_xyxy_px or ()],
                "score": round(scores[match.candidate], 4),
            }
        )
    path = folder / FILE
    write_atomically(path, (json.dumps(rows, indent=1, ensure_ascii=False) + "\n").encode())
    listed = {row["file"] for row in rows}
    for crop_path in (folder / "crops").glob("*.jpg"):
        if f"crops/{crop_path.name}" not in listed:
            crop_path.unlink()  # of an earlier list
    return path


def _labels(crop: LabelledCrop) -> dict[str, str]:
    """The crop's product and labels as `labels.json` has them."""
    fields = {name: crop.labels[kind][0] for name, kind in KIND_OF_FIELD.items() if crop.labels.get(kind)}
    if crop.product is not None and crop.product not in (fields.get("fine"), fields.get("brand")):
        fields["fine"] = crop.product
    return fields
