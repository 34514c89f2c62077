"""An evaluation as a page: figures, distances, the worst mistakes with pictures, confusions and every class."""

from collections.abc import Sequence
from pathlib import Path

from training.embedder.evaluation.evaluation import Evaluation, ProtocolResult
from training.embedder.evaluation.metrics_table import figure
from training.embedder.evaluation.mistakes import Mistake, confusions, mistakes, precision_per_label
from training.embedder.hashing.distance_figure import distance_figure
from training.embedder.report_page import Section, Tile, side_by_side, write_report

PICTURES = 18
CONFUSIONS = 15
CLASSES = 100
"""Rows at most; those with the lowest figures."""


def write_evaluation_page(path: Path, evaluation: Evaluation) -> Path:
    """Write an evaluation as HTML that needs nothing but itself.

    Raises:
        OSError: it cannot be written, or a photo that was read before cannot be read again.
    """
    facts = {}
    for result in evaluation.results[:4]:
        facts[f"{result.protocol.name}, P@1 of bits"] = figure(result.bits.means["P@1"])
        facts[f"{result.protocol.name}, of floats"] = figure(result.floats.means["P@1"])
    sections = [_overview(evaluation)]
    if evaluation.attributes:
        sections += _attributes(evaluation)
    for result in evaluation.results:
        sections += _protocol(result)
    broken = f" {evaluation.num_broken} images could not be read and are left out." if evaluation.num_broken else ""
    return write_report(
        path,
        title=evaluation.model_name,
        subtitle="Floats are compared by cosine, bits by Hamming distance. Where several items are equally far, "
        f"figures are the mean over all their orders. Queries that have no right answer do not count.{broken}",
        facts=facts,
        sections=sections,
    )


def _overview(evaluation: Evaluation) -> Section:
    rows = []
    for result in evaluation.results:
        worst = ""
        if len(result.protocol.cases) > 1:
            worst = f"{figure(result.floats.worst_precision_at_1)} / {figure(result.bits.worst_precision_at_1)}"
        pairs = [(result.floats.means[name], result.bits.means[name]) for name in result.floats.means]
        cells = [f"{figure(of_floats)} / {figure(of_bits)}" for of_floats, of_bits in pairs]
        rows.append((result.protocol.name, str(result.num_queries), str(result.num_gallery), *cells, worst))
    names = evaluation.results[0].floats.means if evaluation.results else ()
    return Section(
        title="All figures, float / bits",
        text="P@1: the nearest item is right. R@K: a right item is among the K nearest. MAP: mean average precision. "
        "Worst: P@1 of the worst draw, where the gallery is drawn.",
        columns=("", "queries", "gallery", *names, "worst draw"),
        rows=rows,
    )


def _attributes(evaluation: Evaluation) -> list[Section]:
    sections = [
        Section(
            title="Attributes",
            text="How often the most probable label of a head holds, over all queries whose label is known.",
            columns=("head", "P@1", "crops", "of labels the head does not know"),
            rows=[
                (head, figure(found.precision_at_1), str(found.num_crops), str(found.num_foreign))
                for head, found in evaluation.attributes.items()
            ],
        )
    ]
    for head, found in evaluation.attributes.items():
        ranked = sorted(found.per_label.items(), key=lambda item: (item[1][0], item[0]))[:CLASSES]
        rows = [(label, figure(share), str(count)) for label, (share, count) in ranked]
        sections.append(
            Section(title=f"Head {head}, each label, worst first", columns=("label", "P@1", "crops"), rows=rows)
        )
    return sections


def _protocol(result: ProtocolResult) -> list[Section]:
    protocol, case = result.protocol, result.protocol.cases[0]
    name = protocol.name
    histograms = [
        distance_figure(side.histogram, title=f"{name}: {title}", unit=unit)
        for side, title, unit in (
            (result.floats, "floats", "squared distance"),
            (result.bits, "256 bits", "bits that differ"),
        )
        if side.histogram is not None
    ]
    found = mistakes(protocol, case, result.bits.distances)
    first = " Pictures and classes are of the first draw." if len(protocol.cases) > 1 else ""
    of_bits = precision_per_label(protocol, case, result.bits.scores.precision_at_1)
    of_floats = precision_per_label(protocol, case, result.floats.scores.precision_at_1)
    return [
        Section(title=name, text=f"{protocol.what[0].upper()}{protocol.what[1:]}.{first}", figures=histograms),
        Section(
            title=f"{name}: worst mistakes of bits",
            text="Query, the wrong answer, and the nearest right answer; the figure is how many bits nearer the wrong "
            f"one is. {len(found)} of {len(case.queries)} queries are answered wrongly.",
            tiles=[_tile(result, mistake) for mistake in found[:PICTURES]],
        ),
        Section(
            title=f"{name}: what is taken for what",
            columns=("query", "answer", "times"),
            rows=[(true, called, str(times)) for true, called, times in confusions(protocol, found)[:CONFUSIONS]],
        ),
        Section(
            title=f"{name}: each class, worst first",
            columns=("class", "queries", "P@1 of bits", "P@1 of floats"),
            rows=_class_rows(of_bits, of_floats),
        ),
    ]


def _class_rows(
    of_bits: dict[str, tuple[float, int]], of_floats: dict[str, tuple[float, int]]
) -> Sequence[tuple[str, ...]]:
    return [
        (label, str(count), figure(value), figure(of_floats[label][0]))
        for label, (value, count) in list(of_bits.items())[:CLASSES]
    ]


def _tile(result: ProtocolResult, mistake: Mistake) -> Tile:
    crops, labels = result.protocol.crops, result.protocol.labels
    rows = (mistake.query, mistake.wrong, mistake.right)
    return Tile(
        picture=side_by_side(*(crops[row].open() for row in rows)),
        label=f"{labels[mistake.query][0]} → {labels[mistake.wrong][0]}",
        figure=f"{mistake.by:.0f}",
        note=f"{mistake.wrong_distance:.0f} bits, right one {mistake.right_distance:.0f}; "
        f"{crops[mistake.query].path.name}",
    )
