"""Which photos a benchmark sends."""

import json
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def photo_paths(folder: Path | None) -> list[Path]:
    """Photos to send: those of a folder; by default coco_mini val, or where there is no data folder the demo's photos.

    Raises:
        SystemExit: the folder holds none.
    """
    if folder is None:
        data = Path(os.environ.get("GENOD_DATA", CHECKOUT.parent / "shared/data")) / "detection/coco_mini"
        if (data / "split.json").is_file():
            return [data / "images" / name for name in json.loads((data / "split.json").read_text())["val"]]
        import sklearn

        folder = Path(sklearn.__file__).parent / "datasets/images"
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        raise SystemExit(f"no .jpg or .png in {folder}: name a folder of photos with --photos")
    return paths
