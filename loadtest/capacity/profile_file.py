"""Stage times from a file: a service profile, or the report of a run."""

from __future__ import annotations

import json
from pathlib import Path

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.from_report import profile_from_report
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.stage_settings import StageSettings
from loadtest.results import RunResult
from loadtest.triton_api import open_triton_api


def load_profile(path: Path, *, url: str | None = None, cores: float | None = None) -> ServiceProfile:
    """Read a profile.

    Args:
        path: A service profile, a `report.json`, or the folder of one.
        url: A server whose models' configs say what a report does not: instances, batching, threads.
        cores: For a report of a server on another machine.

    Raises:
        ProfileError: The file cannot be read or used.
        ReportFormatError: It looks like a report, of another version.
        ServerApiError: The server does not give its configs.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"cannot read {file}: {error}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ProfileError(f"{file} is neither a service profile nor a report: it is no JSON ({error})") from error
    if isinstance(document, dict) and document.get("kind") == "service profile":
        return ServiceProfile.from_json(document)
    result = RunResult.from_json(text)
    settings = None
    if url and result.stages:
        models = [step.model for ensemble in result.stages.ensembles for step in ensemble.steps]
        with open_triton_api(url) as api:
            settings = {model: StageSettings.from_config(api.model_config(model)) for model in models}
    return profile_from_report(result, cores=cores, settings=settings)
