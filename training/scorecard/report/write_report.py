"""Write everything there is to see of a scorecard into one folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.atomic_file import write_atomically
from training.scorecard.report.markdown import markdown
from training.scorecard.report.plots import write_plots
from training.scorecard.scorecard import Scorecard


def write_report(scorecard: Scorecard, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `scorecard.json`, the plots and `scorecard.md`; return their paths.

    Args:
        scorecard: the results.
        facts: command, machine, sizes: what a reader needs to judge and to repeat it.
        folder: made if it is missing.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "facts": dict(facts),
        "was_interrupted": scorecard.was_interrupted,
        "jobs": scorecard.num_jobs,
        "jobs_kept_from_earlier_runs": scorecard.num_kept_jobs,
        "job_seconds": scorecard.job_seconds,
        "relations": [result.as_dict() for result in scorecard.results],
    }
    json_path, markdown_path = folder / "scorecard.json", folder / "scorecard.md"
    write_atomically(json_path, (json.dumps(_plain(document), indent=2) + "\n").encode())
    plots = write_plots(scorecard.results, folder)
    write_atomically(markdown_path, markdown(scorecard, facts, [path.name for path in plots]).encode())
    return [json_path, markdown_path, *plots]


def _plain(value: Any) -> Any:
    """Replace NaN, which is no JSON, and round: digits beyond the fifth are noise and would only make long diffs."""
    if isinstance(value, float):
        return None if value != value else round(value, 5)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
