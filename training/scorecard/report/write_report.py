"""Write everything there is to see of a scorecard into one folder."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically
from training.scorecard.report.markdown import markdown
from training.scorecard.report.plots import write_plots
from training.scorecard.scorecard import Scorecard


def write_report(scorecard: Scorecard, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `scorecard.json`, the plots and `scorecard.md`; return their paths. Plots of the report before are removed.

    Args:
        scorecard: the results.
        facts: command, machine, sizes: what a reader needs to judge and to repeat it.
        folder: made if it is missing.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    json_path, markdown_path = folder / "scorecard.json", folder / "scorecard.md"
    for name in _plots_of(json_path):
        (folder / Path(name).name).unlink(missing_ok=True)
    plots = write_plots(scorecard.results, folder)
    document = {
        "facts": dict(facts),
        "was_interrupted": scorecard.was_interrupted,
        "jobs": scorecard.num_jobs,
        "jobs_kept_from_earlier_runs": scorecard.num_kept_jobs,
        "job_seconds": scorecard.job_seconds,
        "relations": [result.as_dict() for result in scorecard.results],
        "plots": [path.name for path in plots],
    }
    write_atomically(json_path, (json.dumps(_plain(document), indent=2) + "\n").encode())
    write_atomically(markdown_path, markdown(scorecard, facts, [path.name for path in plots]).encode())
    return [json_path, markdown_path, *plots]


def _plots_of(json_path: Path) -> list[str]:
    """Return the plots that an earlier report lists; whatever else lies in the folder is somebody's."""
    try:
        return [str(name) for name in json.loads(json_path.read_bytes())["plots"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _plain(value: Any) -> Any:
    """Replace NaN and infinity, which are no JSON, and round: beyond the fifth digit is noise, and diffs get long."""
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
