"""Where data sets and teachers are found."""

import os
from pathlib import Path

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]


def data_root() -> Path:
    """Return the data folder: GENOD_DATA, or ../shared/data beside the checkout."""
    root = Path(os.environ.get("GENOD_DATA", REPOSITORY_ROOT / "../shared/data"))
    if not root.is_dir():
        raise FileNotFoundError(
            f"no data folder at {root}: set GENOD_DATA to a folder with detection/<set>/ (images/, annotations.json, "
            "split.json) and teachers/"
        )
    return root


def data_set_folder(name: str) -> Path:
    """Return the folder of a detection data set, which must exist.

    Args:
        name: of a folder in GENOD_DATA/detection; or a path, which is one if it has a slash: `./raccoon`.
    """
    if "/" in name:
        if not Path(name).is_dir():
            raise FileNotFoundError(f"no folder {name}: a data set is images/, annotations.json, and maybe split.json")
        return Path(name).resolve()
    folder = data_root() / "detection" / name
    if not folder.is_dir():
        available = ", ".join(sorted(p.name for p in folder.parent.iterdir() if p.is_dir()))
        raise FileNotFoundError(f"no data set {name!r} in {folder.parent}; there are: {available}")
    return folder
