"""Pascal VOC: one XML file a photo, `Annotations/`, photos in `JPEGImages/` or `images/`, `ImageSets/Main/<split>.txt`.

The pixel in the corner of a VOC photo is (1, 1), and xmax is the last pixel inside: a box is [xmin - 1, ymin - 1,
xmax - xmin + 1, ymax - ymin + 1] where everybody else counts from 0.
"""

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from training.data.errors import ReaderError
from training.data.problems import DataProblem
from training.data.readers.split_annotations import Split, SplitAnnotations, is_val_by_hash


def is_voc(folder: Path) -> bool:
    """Whether a folder looks like Pascal VOC's."""
    return (folder / "Annotations").is_dir()


def read_voc(folder: Path, split: Split) -> SplitAnnotations:
    """Read a split. Objects marked `difficult` become crowd regions: neither to be learnt nor to be missed.

    Raises:
        ReaderError: there is no Annotations/ or no folder of photos.
    """
    if not is_voc(folder):
        raise ReaderError(f"{folder} has no Annotations/ with Pascal VOC's XML files")
    images_folder = next((folder / n for n in ("JPEGImages", "images") if (folder / n).is_dir()), None)
    if images_folder is None:
        raise ReaderError(f"{folder} has no folder of photos: neither JPEGImages/ nor images/")
    stems, problems = _stems(folder, split)
    images: list[dict[str, Any]] = []
    boxes: list[tuple[int, str, bool, list[float]]] = []
    for stem in stems:
        path = folder / "Annotations" / f"{stem}.xml"
        try:
            root = ElementTree.parse(path).getroot()
            width, height = (int(float(root.findtext(f"size/{side}") or "")) for side in ("width", "height"))
        except (OSError, ElementTree.ParseError, ValueError) as error:
            problems.append(DataProblem("file unreadable", path.name, str(error) or "no size"))
            continue
        image_id = len(images) + 1
        # The stem, not <filename>: tools that convert to this format leave all kinds of paths there.
        name = _file_name(images_folder, stem, root.findtext("filename") or "")
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for element in root.iter("object"):
            label = (element.findtext("name") or "").strip()
            boxes.append((image_id, label, element.findtext("difficult") == "1", _bbox(element)))
    labels = sorted({label for _, label, _, _ in boxes} | set(_labels_of_all(folder, stems)))
    ids = {label: k for k, label in enumerate(labels, start=1)}
    return SplitAnnotations(
        dataset={
            "images": images,
            "categories": [{"id": category_id, "name": label} for label, category_id in ids.items()],
            "annotations": [
                {
                    "id": k,
                    "image_id": image_id,
                    "category_id": ids[label],
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": int(is_difficult),
                }
                for k, (image_id, label, is_difficult, bbox) in enumerate(boxes, start=1)
            ],
        },
        images_folder=images_folder,
        names_of_split=None,
        files=tuple(folder / "Annotations" / f"{stem}.xml" for stem in stems),
        problems=tuple(problems),
    )


def _stems(folder: Path, split: Split) -> tuple[list[str], list[DataProblem]]:
    there = {path.stem for path in (folder / "Annotations").glob("*.xml")}
    listing = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not listing.is_file():
        return sorted(stem for stem in there if is_val_by_hash(stem) is (split == "val")), []
    listed = [line.split()[0] for line in listing.read_text().splitlines() if line.strip()]
    missing = [
        DataProblem("file unreadable", f"{stem}.xml", f"named in {listing.name}")
        for stem in listed
        if stem not in there
    ]
    return [stem for stem in listed if stem in there], missing


def _labels_of_all(folder: Path, read_already: list[str]) -> set[str]:
    """Labels of the other split, so that both have the same categories and ids."""
    labels: set[str] = set()
    for path in (folder / "Annotations").glob("*.xml"):
        if path.stem in set(read_already):
            continue
        try:
            labels |= {(e.findtext("name") or "").strip() for e in ElementTree.parse(path).getroot().iter("object")}
        except (OSError, ElementTree.ParseError):
            continue  # counted when its own split is read
    return labels


def _file_name(images_folder: Path, stem: str, named: str) -> str:
    candidates = [f"{stem}{suffix}" for suffix in (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")]
    if named:
        candidates.append(Path(named.replace("\\", "/")).name)
    return next((name for name in candidates if (images_folder / name).is_file()), candidates[0])


def _bbox(element: ElementTree.Element) -> list[float]:
    """x, y, width, height in pixels from 0; NaN where the file gives no number."""
    box = element.find("bndbox")
    try:
        corners = [float(box.findtext(name) or "nan") if box is not None else math.nan for name in _CORNERS]
    except ValueError:
        corners = [math.nan] * 4
    x1, y1, x2, y2 = corners
    return [x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1]


_CORNERS = ("xmin", "ymin", "xmax", "ymax")
