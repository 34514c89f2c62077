"""How each set is judged. Sets that are not named here are judged by what they hold."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data.problems import DataProblem
from training.embedder.data import LabelledCrop, crop_set_folder, read_whole_crop_set
from training.embedder.data.labelled_folders import SUFFIXES
from training.embedder.evaluation.disturbed_crop import disturbed
from training.embedder.evaluation.errors import EvaluationError
from training.embedder.evaluation.protocol import CANONICAL_DRAWS, Protocol, canonical, leave_one_out, search, unseen

CANONICAL = ":canonical"
"""Behind a set's name: judge it with two images per label in the gallery, also if it has a train split."""
PRODUCT_KINDS = ("fine", "brand", "label")
"""Kinds of label that name products, the first that a set has."""
PAIRS = "pairs.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProtocols:
    """What a set is judged by."""

    protocols: tuple[Protocol, ...]
    problems: tuple[DataProblem, ...] = field(default=())
    """Images that cannot be read: they are left out."""


def protocols_of(name: str, *, held_out: Mapping[str, Collection[str]] | None = None) -> SetProtocols:
    """Read a set and say how it is judged.

    Args:
        name: as `read_crop_set` takes it; with `:canonical` behind it, see `CANONICAL`.
        held_out: by the names of sets' folders, the products that were kept out of training.

    Raises:
        FileNotFoundError: there is no such set.
        EvaluationError: nothing in it can be judged.
    """
    set_name = name.removesuffix(CANONICAL)
    folder = crop_set_folder(set_name)
    if (folder / PAIRS).is_file():
        return SetProtocols(protocols=(_pairs(folder),))
    read = read_whole_crop_set(set_name, "all")
    crops, own_name = list(read.crops), folder.name
    has_train = any(crop.split == "train" for crop in crops)
    kinds = list(dict.fromkeys(kind for crop in crops for kind in crop.labels))
    if name.endswith(CANONICAL) or not has_train:
        product_kind = next((kind for kind in PRODUCT_KINDS if kind in kinds), kinds[0])
        protocols = _canonical(own_name, crops, product_kind)
    else:
        protocols = _grocery_store(crops) if own_name == "grocery_store" else _any_set(own_name, crops, kinds)
    if kept_out := (held_out or {}).get(own_name):
        labels_of_kind = {kind: {label for crop in crops for label in crop.labels.get(kind, ())} for kind in kinds}
        product_kind = next((kind for kind in kinds if labels_of_kind[kind].issuperset(kept_out)), kinds[0])
        protocols += unseen(own_name, crops, kept_out, kind=product_kind)
    return SetProtocols(protocols=tuple(protocols), problems=tuple(read.problems))


def _grocery_store(crops: Sequence[LabelledCrop]) -> list[Protocol]:
    queries = [crop for crop in crops if crop.split == "val"]
    gallery = [crop for crop in crops if crop.split == "train"]
    iconic = [crop for crop in gallery if crop.role == "iconic"]
    everything = (
        "shop photos of the val split; gallery: the catalogue's pictures and the shop photos of the train split"
    )
    return [
        search("grocery_store, fine", everything, queries, gallery, kind="fine"),
        search("grocery_store, coarse", f"{everything}; the coarse class is enough", queries, gallery, kind="coarse"),
        search(
            "grocery_store, natural to iconic",
            "shop photos of the val split; gallery: the catalogue's picture of each fine class alone",
            queries,
            iconic,
            kind="fine",
        ),
    ]


def _any_set(name: str, crops: Sequence[LabelledCrop], kinds: Sequence[str]) -> list[Protocol]:
    queries = [crop for crop in crops if crop.split == "val"]
    gallery = [crop for crop in crops if crop.split == "train"]
    if not queries:
        return [leave_one_out(f"{name}, {k}", "each crop is looked for among the others", crops, kind=k) for k in kinds]
    return [search(f"{name}, {k}", "val split; gallery: train split", queries, gallery, kind=k) for k in kinds]


def _canonical(name: str, crops: Sequence[LabelledCrop], kind: str) -> list[Protocol]:
    two = f"two images stand for each {kind}, every other image is looked for among them"
    one = f"one image stands for each {kind}, every other image is looked for among them"
    drawn = f"mean over {CANONICAL_DRAWS} draws of the images, from a fixed seed, and the worst draw"
    askew = "queries are turned into other colours, seen askew, 64 pixels small and compressed"
    return [
        canonical(f"{name}, two canonical", f"{two}; {drawn}", crops, kind=kind),
        canonical(f"{name}, first two", f"{two}: the first two by file name", crops, kind=kind, draws=0),
        canonical(f"{name}, one canonical", f"{one}; {drawn}", crops, kind=kind, per_label=1),
        canonical(f"{name}, disturbed", f"{two}; {askew}; {drawn}", crops, kind=kind, changed=disturbed),
    ]


def _pairs(folder: Path) -> Protocol:
    """A query and its target photo, among photos that are nobody's target."""
    path = folder / PAIRS
    try:
        pairs: list[Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))["pairs"]
        targets_of_query = {str(pair["query"]): str(pair["target"]) for pair in pairs}
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f'{path} must be {{"pairs": [{{"query": FILE, "target": FILE}}, ...]}}, paths in the folder: {error}'
        ) from error
    files = sorted(p for p in (folder / "gallery").iterdir() if p.suffix.lower() in SUFFIXES)

    def crop(file: str, target: str) -> LabelledCrop:
        return LabelledCrop(
            path=folder / file,
            box_xyxy_px=None,
            product=None,
            labels={"target": (target,)},
            data_set=folder.name,
            split="val",
        )

    return search(
        f"{folder.name}, target",
        f"pictures of an object, a logo or a sign; gallery: {len(files)} photos, of which one shows it",
        [crop(query, target) for query, target in targets_of_query.items()],
        [crop(str(file.relative_to(folder)), str(file.relative_to(folder))) for file in files],
        kind="target",
    )
