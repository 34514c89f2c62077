"""OpenImages' CSV files.

    train-annotations-bbox.csv                       ImageID, LabelName, XMin, XMax, YMin, YMax in [0, 1], IsGroupOf
    train-annotations-human-imagelabels-boxable.csv  ImageID, LabelName, Confidence: 1 it is there, 0 it is not
    class-descriptions-boxable.csv                   LabelName, what it means
    bbox_labels_600_hierarchy.json                   which label is a kind of which; the taxonomy says it without
    train/ or images/                                <ImageID>.jpg

`validation-` stands for our val; anything may stand in front (`oidv6-train-...`). Files without a split in their names
are divided by split.json, or by the hash of the image's id.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from training.data.errors import ReaderError
from training.data.problems import DataProblem
from training.data.readers.split_annotations import Split, SplitAnnotations, names_of_split
from training.evaluation.hierarchy import ClassHierarchy
from training.taxonomy import load_mapping_of, load_taxonomy

_THEIR_NAME = {"train": "train", "val": "validation"}
_BOX_COLUMNS = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")


def is_openimages(folder: Path) -> bool:
    """Whether a folder looks like OpenImages'."""
    return any(folder.glob("*annotations-bbox.csv"))


def read_openimages(folder: Path, split: Split) -> SplitAnnotations:
    """Read a split.

    A class is known in an image if a person said that it is there or that it is not: by an image-level label, or by a
    box. Where a class is not, its kinds are not either: no animal, no cat. Everything else is unknown (OpenImages V4,
    section 3).

    Raises:
        ReaderError: a file is missing or lacks a column.
        HierarchyError: the hierarchy is none.
    """
    boxes_file, has_split = _file(folder, split, "annotations-bbox.csv")
    if boxes_file is None:
        raise ReaderError(f"{folder} has no {_THEIR_NAME[split]}-annotations-bbox.csv")
    levels_file, _ = _file(folder, split, "annotations-human-imagelabels-boxable.csv")
    names_file = next(iter(sorted(folder.glob("*class-descriptions*.csv"))), None)
    names = _names(names_file)
    box_rows = list(_rows(boxes_file, _BOX_COLUMNS))
    level_rows = list(_rows(levels_file, ("ImageID", "LabelName", "Confidence"))) if levels_file else []
    images_folder = _images_folder(folder, split)
    ids = {mid: k for k, mid in enumerate(names, start=1)}
    image_names = sorted({f"{row['ImageID']}.jpg" for row in [*box_rows, *level_rows]})
    wanted = frozenset(image_names) if has_split else names_of_split(folder, split, image_names)
    images, problems = _images(images_folder, [name for name in image_names if name in wanted])
    image_by_name = {image["file_name"]: image for image in images}
    annotations: list[dict[str, Any]] = []
    for row in box_rows:
        image = image_by_name.get(f"{row['ImageID']}.jpg")
        if image is None:
            continue
        bbox = _bbox(row, image["width"], image["height"])
        category_id = ids.get(row["LabelName"])
        if category_id is None:
            problems.append(DataProblem("box of unknown label", image["file_name"], row["LabelName"]))
            continue
        image["verified_category_ids"].add(category_id)
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": image["id"],
                "category_id": category_id,
                "bbox": bbox,
                "area": bbox[2] * bbox[3],
                "iscrowd": 0,
                "is_group_of": int(row.get("IsGroupOf") or 0) == 1,
            }
        )
    kinds, hierarchy_file = _kinds(folder, names)
    for row in level_rows:
        image = image_by_name.get(f"{row['ImageID']}.jpg")
        confidence = float(row["Confidence"] or 0.5)
        # Between 0 and 1 it was a machine that guessed.
        if image is not None and row["LabelName"] in ids and confidence in (0.0, 1.0):
            known = [row["LabelName"], *(kinds[row["LabelName"]] if confidence == 0.0 else ())]
            image["verified_category_ids"].update(ids[mid] for mid in known)
    return SplitAnnotations(
        dataset={
            "images": [{**i, "verified_category_ids": sorted(i["verified_category_ids"])} for i in images],
            "categories": [{"id": ids[mid], "name": name, "mid": mid} for mid, name in names.items()],
            "annotations": annotations,
        },
        images_folder=images_folder,
        names_of_split=None,
        files=tuple(path for path in (boxes_file, levels_file, names_file, hierarchy_file) if path is not None),
        problems=tuple(problems),
    )


def _file(folder: Path, split: Split, ending: str) -> tuple[Path | None, bool]:
    """The file of a split and whether its name says so; or the one file of all splits."""
    of_split = sorted(folder.glob(f"*{_THEIR_NAME[split]}-{ending}"))
    if of_split:
        return of_split[0], True
    of_all = folder / ending
    return (of_all, False) if of_all.is_file() else (None, False)


def _names(path: Path | None) -> dict[str, str]:
    """What each code means: by the file, or else by the mapping that ships with the taxonomy."""
    if path is None:
        return dict(load_mapping_of("openimages", load_taxonomy()).label_by_code)
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if any(len(row) != 2 for row in rows):
        raise ReaderError(f"{path}: every line must be a code and what it means, as in '/m/01g317,Person'")
    return {mid: name for mid, name in rows if mid.startswith("/")}  # some files have a line of headings


def _kinds(folder: Path, names: Mapping[str, str]) -> tuple[dict[str, list[str]], Path | None]:
    """The codes below each code, and the file that says so; without one, those whose category is below its own."""
    path = next(iter(sorted(folder.glob("*hierarchy*.json"))), None)
    if path is not None:
        hierarchy = ClassHierarchy.load(path)
        above_by_code = {mid: hierarchy.ancestors(mid) for mid in names}
    else:
        taxonomy = load_taxonomy()
        mapping = load_mapping_of("openimages", taxonomy)
        category_by_code = {mid: mapping.category_id_by_label.get(mapping.label_by_code.get(mid, "")) for mid in names}
        codes_by_category: dict[int, list[str]] = {}
        for mid, category_id in category_by_code.items():
            if category_id is not None:
                codes_by_category.setdefault(category_id, []).append(mid)
        above_by_code = {
            mid: frozenset(
                code for above in taxonomy.ancestors(category_id) for code in codes_by_category.get(above, [])
            )
            for mid, category_id in category_by_code.items()
            if category_id is not None
        }
    kinds: dict[str, list[str]] = {mid: [] for mid in names}
    for mid, codes in above_by_code.items():
        for code in codes & kinds.keys():
            kinds[code].append(mid)
    return kinds, path


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
            raise ReaderError(f"{path} has no column {', '.join(missing)}; it has {', '.join(reader.fieldnames or ())}")
        yield from reader


def _images_folder(folder: Path, split: Split) -> Path:
    for name in (_THEIR_NAME[split], split, "images"):
        if (folder / name).is_dir():
            return folder / name
    raise ReaderError(f"{folder} has no folder of photos: neither {_THEIR_NAME[split]}/ nor images/")


def _images(folder: Path, names: list[str]) -> tuple[list[dict[str, Any]], list[DataProblem]]:
    """Size of each photo by its header, since the boxes are parts of it and no file gives it."""
    images: list[dict[str, Any]] = []
    problems: list[DataProblem] = []
    for name in names:
        try:
            with Image.open(folder / name) as image:
                width, height = image.size
        except FileNotFoundError:
            problems.append(DataProblem("photo missing", name))
            continue
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            problems.append(DataProblem("photo unreadable", name, str(error)))
            continue
        images.append(
            {"id": len(images) + 1, "file_name": name, "width": width, "height": height, "verified_category_ids": set()}
        )
    return images, problems


def _bbox(row: dict[str, str], width: int, height: int) -> list[float]:
    """x, y, width, height in pixels; NaN where the file gives no number."""
    try:
        x1, x2, y1, y2 = (float(row[name]) for name in ("XMin", "XMax", "YMin", "YMax"))
    except (TypeError, ValueError):
        return [float("nan")] * 4
    return [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
