"""The sub-command `python -m training calibrate`: scores of attribute heads become probabilities."""

import argparse
from pathlib import Path

REPORT = "calibration.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run_folder", type=Path, help="of an embedder; calibration.json and calibration.html are written into it"
    )
    parser.add_argument(
        "--sets", nargs="+", default=[], metavar="SET", help="whose val crops to learn from; default: the recipe's sets"
    )


def run(arguments: argparse.Namespace) -> int:
    """Calibrate each head on held-out crops."""
    from rich.progress import track

    from training.embedder.after_training.calibration import Calibration, fit_calibration, save_calibrations
    from training.embedder.after_training.calibration_error import (
        cross_calibrated,
        expected_calibration_error,
        reliability_bins,
    )
    from training.embedder.after_training.errors import CalibrationError
    from training.embedder.after_training.head_predictions import head_predictions
    from training.embedder.after_training.reliability_figure import knots_figure, reliability_figure
    from training.embedder.report_page import Section, write_report
    from training.embedder.trained_run import TrainedRun

    trained = TrainedRun.open(arguments.run_folder)
    if not trained.heads:
        raise CalibrationError(f"{trained.folder} has no attribute head: there is nothing to calibrate")
    crops = trained.held_out_crops(arguments.sets)
    answers = trained.ask(
        crops, shown=lambda starts: track(list(starts), description="embed held-out crops", transient=True)
    )
    calibrations: dict[str, Calibration] = {}
    rows, sections, left_out = [], [], {}
    for head in trained.heads:
        labels = trained.labels_of(head, crops)
        p = head_predictions(answers.probabilities[head.name], labels, head.labels)
        try:
            after = cross_calibrated(p.scores, p.is_right, p.crop)
            calibration = fit_calibration(p.scores, p.is_right)
        except CalibrationError as error:
            left_out[head.name] = str(error)
            print(f"  {head.name}: left as it is: {error}")
            continue
        calibrations[head.name] = calibration
        ece = [expected_calibration_error(s, p.is_right) for s in (p.scores, after)]
        best = [expected_calibration_error(s[p.is_best], p.is_right[p.is_best]) for s in (p.scores, after)]
        num_crops = int(p.is_best.sum())
        print(
            f"  {head.name}: {num_crops} crops, expected calibration error {ece[0]:.3f} -> {ece[1]:.3f}, "
            f"of the best label alone {best[0]:.3f} -> {best[1]:.3f}"
        )
        rows.append((head.name, str(num_crops), *(f"{value:.3f}" for value in (*ece, *best))))
        sections.append(
            Section(
                title=head.name,
                figures=[
                    reliability_figure(reliability_bins(p.scores, p.is_right), title=f"{head.name} before"),
                    reliability_figure(reliability_bins(after, p.is_right), title=f"{head.name} after"),
                    knots_figure(calibration, title=f"{head.name}: what is served"),
                ],
            )
        )
    if not calibrations:
        reasons = "; ".join(f"{head}: {reason}" for head, reason in left_out.items())
        raise CalibrationError(f"no head could be calibrated: {reasons}")
    path = save_calibrations(trained.folder, calibrations, embedder_sha256=trained.embedder_sha256)
    overview = Section(
        title="Expected calibration error",
        text="The mean distance between score and share right, in ten bins. After is by five-fold cross-validation: "
        "no prediction is judged by a calibration that it helped to make. What is served is learned from all of them."
        + "".join(f" Head {head} is left as it is: {reason}." for head, reason in left_out.items()),
        columns=("head", "crops", "before", "after", "best label, before", "best label, after"),
        rows=rows,
    )
    page = write_report(
        trained.folder / REPORT,
        title=f"Calibration of {trained.folder.name}",
        subtitle=f"Isotonic regression on {len(crops)} held-out crops (GrokNet, section 4.0.2)",
        facts={f"{row[0]}, {when}": row[column] for row in rows for when, column in (("before", 2), ("after", 3))},
        sections=[overview, *sections],
    )
    print(f"wrote {path} and {page}")
    return 0
