"""Publish a head: export, connect, measure, certify, and only then install."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import torch

from training.atomic_file import write_atomically
from training.data.coco_photos import CocoPhotos
from training.data.roots import REPOSITORY_ROOT, data_root, data_set_folder
from training.detector.backbone import SharedBackbone
from training.detector.detector import Detector
from training.detector.served_weights import load_served_backbone, served_class_ids
from training.engine.recipe import Recipe
from training.evaluation.evaluate_repository import RepositoryDetector, evaluate_repository
from training.export.class_owners import classes_taken_over
from training.export.export_run import export_run, load_run
from training.export.label_propagation import export_label_propagation
from training.export.served_taxonomy import served_taxonomy
from training.publish.certificate import Certificate, ProbeAnswer, TrainingData, compare_categories, write_certificate
from training.publish.errors import PublishError, RegressionRefused
from training.publish.model_configs import configure_new_head, connect_head
from training.publish.probe import head_answers, probe_canvases
from training.publish.served_models import (
    SERVED_MODELS_PATH,
    ServedModels,
    read_served_models,
    write_served_models,
)
from training.taxonomy import Taxonomy, TaxonomyError, load_mapping_of, load_taxonomy

DEFAULT_ALLOWED_LOSS = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where a head is published to; the checkout, except in tests."""

    repository: Path = REPOSITORY_ROOT / "model_repository"
    served_models: Path = SERVED_MODELS_PATH
    certificates: Path = REPOSITORY_ROOT / "releases" / "certificates"


@dataclass(frozen=True, kw_only=True, slots=True)
class Margins:
    """How much AP, averaged over IoU 0.50 to 0.95, a category may lose."""

    default: float = DEFAULT_ALLOWED_LOSS
    by_label: Mapping[str, float] = field(default_factory=dict)


def publish_head(
    run_folder: Path, destination: Destination | None = None, margins: Margins | None = None
) -> tuple[Certificate, Path]:
    """Publish the head of a run as a new version, or as a new head.

    Classes that it shares with other heads are its own from now on: the others' detections of them are dropped.

    Args:
        run_folder: of a finished run with a frozen backbone.
        destination: where to.
        margins: what a category may lose.

    Returns:
        The certificate, and the page for people that was written.

    Raises:
        RegressionRefused: a category lost more than it may, or another head's answers moved.
        PublishError: the run cannot be published.
        ParityError: the exported graph differs from PyTorch.
    """
    destination, margins = destination or Destination(), margins or Margins()
    recipe, detector = load_run(run_folder)
    if recipe.backbone != "frozen":
        raise PublishError(
            f"{run_folder} trained the backbone (backbone: {recipe.backbone}): its head fits no other backbone, and a "
            "new backbone moves every head. Publish heads with backbone: frozen."
        )
    served, taxonomy = read_served_models(destination.served_models), load_taxonomy()
    _refuse_another_backbone(run_folder, detector, _graph(destination.repository, served, "backbone"))
    with tempfile.TemporaryDirectory(prefix="genod-publish-") as scratch:
        staged = Path(scratch) / "model_repository"
        shutil.copytree(destination.repository, staged, ignore=shutil.ignore_patterns("__pycache__"))
        after, taken_over = _stage(run_folder, recipe, staged, served, taxonomy)
        certificate = _certify(recipe, destination.repository, staged, served, after, taken_over, taxonomy, margins)
        if refusals := certificate.refusals():
            raise RegressionRefused(
                f"{recipe.head} is not published, nothing was changed:\n  " + "\n  ".join(refusals) + "\nTrain it "
                "further, or allow a loss with --allow-loss LABEL=AP if it is meant."
            )
        page = write_certificate(certificate, destination.certificates)
        _install(staged, destination, after, recipe.head)
    return certificate, page


def _refuse_another_backbone(run_folder: Path, detector: Detector, graph: Path) -> None:
    served = SharedBackbone()
    load_served_backbone(served, graph)
    trained_on = detector.backbone.state_dict()
    expected = served.state_dict()
    # Another architecture has tensors of other names.
    is_same = expected.keys() == trained_on.keys() and all(torch.equal(expected[n], trained_on[n]) for n in expected)
    if not is_same:
        raise PublishError(
            f"{run_folder} was trained on another backbone than {graph}, whose features its head would misread. Train "
            "it again with backbone_from: model_repository."
        )


def _stage(
    run_folder: Path, recipe: Recipe, staged: Path, served: ServedModels, taxonomy: Taxonomy
) -> tuple[ServedModels, dict[str, list[int]]]:
    """Make the new versions in a copy of the repository; return what it serves, and what each head gives up."""
    head, newest_head = recipe.head, list(served.heads)[-1]
    if head not in served.heads:
        configure_new_head(staged, head, like=newest_head)
        connect_head(staged / "label_propagation" / "config.pbtxt", head, after=newest_head)
    version = _next_version(staged / head)
    export_run(run_folder, staged, version=version, with_backbone=False)
    after = served.with_head(head, version, label_propagation=_next_version(staged / "label_propagation"))
    graphs = {name: _graph(staged, after, name) for name in after.heads}
    # Later heads answer for what they share with earlier ones, the published one for all it has.
    taken_over = classes_taken_over(graphs, [*(name for name in after.heads if name != head), head])
    folder = staged / "label_propagation" / str(after.shared["label_propagation"])
    export_label_propagation(folder, served_taxonomy(taxonomy, graphs), list(after.heads), taken_over=taken_over)
    return after, taken_over


def _certify(
    recipe: Recipe,
    before_folder: Path,
    staged: Path,
    before: ServedModels,
    after: ServedModels,
    taken_over: Mapping[str, Sequence[int]],
    taxonomy: Taxonomy,
    margins: Margins,
) -> Certificate:
    """Measure both repositories on everything there is."""
    others = [head for head in before.heads if head != recipe.head]
    canvases = probe_canvases()
    answers_before = head_answers(before_folder, before.versions, others, canvases)
    answers_after = head_answers(staged, after.versions, others, canvases)
    graph = _graph(staged, after, recipe.head)
    known = {i for head in before.heads for i in served_class_ids(_graph(before_folder, before, head))}
    val_sets = _val_sets(recipe, taxonomy, answered=known.union(served_class_ids(graph)))
    ap_before = _ap_by_set(before_folder, before, val_sets, taxonomy)
    ap_after = _ap_by_set(staged, after, val_sets, taxonomy)
    new_classes = {}
    for name, photos in val_sets.items():
        mapping = load_mapping_of(photos.name, taxonomy)
        labels = mapping.mapped_labels(photos.category_names)
        new_classes[name] = {label for label in labels if mapping.category_id(label) not in known}
    return Certificate(
        head=recipe.head,
        version=after.heads[recipe.head],
        graph_sha256=_sha256(graph),
        backbone_sha256=_sha256(_graph(staged, after, "backbone")),
        classes={taxonomy.name_of(i): i for i in served_class_ids(graph)},
        taken_over={head: [taxonomy.name_of(i) for i in ids] for head, ids in taken_over.items()},
        recipe=recipe.as_yaml(),
        trained_on=tuple(_training_data(recipe)),
        probe_canvases=len(canvases),
        probe=tuple(
            ProbeAnswer(head=head, before_sha256=answers_before[head], after_sha256=answers_after[head])
            for head in others
        ),
        categories=compare_categories(
            ap_before,
            ap_after,
            new_classes=new_classes,
            allowed_loss=margins.default,
            allowed_losses=margins.by_label,
        ),
    )


def _val_sets(recipe: Recipe, taxonomy: Taxonomy, *, answered: Set[int]) -> dict[str, CocoPhotos]:
    """The val photos of the recipe's and of all mapped data sets on this machine of which a head answers a label."""
    names = [*([recipe.data_set] if recipe.data_set else recipe.data_sets), *recipe.also_labelled, *recipe.negatives]
    with contextlib.suppress(
        FileNotFoundError
    ):  # a newcomer has their own photos only; the probe guards the other heads
        names += [p.name for p in sorted((data_root() / "detection").iterdir()) if (p / "annotations.json").is_file()]
    found: dict[str, CocoPhotos] = {}
    for name in names:
        photos = CocoPhotos(data_set_folder(name), "val")
        try:
            mapping = load_mapping_of(photos.name, taxonomy)
            ids = {mapping.category_id(label) for label in mapping.mapped_labels(photos.category_names)}
        except TaxonomyError:
            continue  # nobody has said what its labels mean
        if ids & answered:
            found.setdefault(photos.name, photos)
    return found


def _ap_by_set(
    repository: Path, served: ServedModels, val_sets: Mapping[str, CocoPhotos], taxonomy: Taxonomy
) -> dict[str, dict[str, float]]:
    detector = RepositoryDetector(repository, versions=served.versions)
    return {
        name: evaluate_repository(detector, photos, load_mapping_of(photos.name, taxonomy)).AP_per_class
        for name, photos in val_sets.items()
    }


def _training_data(recipe: Recipe) -> Iterable[TrainingData]:
    roles = [(recipe.data_set, "data_set")] if recipe.data_set else [(name, "data_sets") for name in recipe.data_sets]
    roles += [(name, "also_labelled") for name in recipe.also_labelled]
    roles += [(name, "negatives") for name in recipe.negatives]
    for name, role in roles:
        photos = CocoPhotos(data_set_folder(name), "train")
        digest = hashlib.sha256()
        for path in sorted(photo.path for photo in photos.photos):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        yield TrainingData(
            name=photos.name,
            role=role,
            train_photos=len(photos.photos),
            annotations_sha256=_sha256_of_all(photos.files),
            photos_sha256=digest.hexdigest(),
        )


def _install(staged: Path, destination: Destination, after: ServedModels, head: str) -> None:
    """Bring the new files into the repository, and last the line that makes them served.

    Stopped before that line, the repository serves what it did: the new version folders are there and nobody asks.
    """
    for model in (head, "label_propagation"):
        version = str(after.versions[model])
        folder = destination.repository / model
        folder.mkdir(exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".publish-", dir=destination.repository.parent))
        try:
            shutil.copytree(staged / model / version, aside / version)
            (aside / version).rename(folder / version)
        finally:
            shutil.rmtree(aside)
        for config in sorted((staged / model).rglob("*.pbtxt")):
            target = folder / config.relative_to(staged / model)
            target.parent.mkdir(exist_ok=True)
            write_atomically(target, config.read_bytes())
    write_served_models(after, destination.served_models)


def _next_version(model: Path) -> int:
    """The number after the largest version folder: versions are never used again."""
    numbers = [int(p.name) for p in model.iterdir() if p.name.isdecimal()] if model.is_dir() else []
    return max(numbers, default=0) + 1


def _graph(repository: Path, served: ServedModels, model: str) -> Path:
    return repository / model / str(served.versions[model]) / "model.onnx"


def _sha256_of_all(paths: Sequence[Path]) -> str:
    """Of one file its own; of several, in the order of their names, that of their digests."""
    digests = [_sha256(path) for path in sorted(paths)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
