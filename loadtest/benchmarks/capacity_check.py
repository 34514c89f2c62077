"""Is a plan right? The peak that `plan` predicts against the one that `find-peak` measures, for several deployments.

    python -m loadtest.benchmarks.capacity_check

For each recipe a server of its own is started and measured in half a minute of single calls, batches and a few callers;
the simulation predicts from that the highest rate that holds the SLA, and then `find-peak` looks for it with real load.
The prediction also tells how the recipes compare before any of them is loaded. Wants a quiet machine: 15 minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from types import MappingProxyType
from typing import Any

from google.protobuf import text_format
from rich.console import Console
from rich.table import Table
from tritonclient.grpc import model_config_pb2

from loadtest.benchmarks.own_server import own_server
from loadtest.benchmarks.photos import photo_paths
from loadtest.capacity.measurement import Measurement
from loadtest.capacity.peak import predict_peak
from loadtest.machine import describe_machine
from loadtest.quantities import sla_target
from loadtest.results import RunResult, Target

CHECKOUT = Path(__file__).resolve().parents[2]
REPOSITORY = CHECKOUT / "model_repository"
GOAL = 0.2
STEP_S = 40.0
_SERVER_STEPS = ("preprocess", "backbone", "head_generic", "head_electronics", "label_propagation")


def as_served(_config: Any) -> None:
    """Change nothing."""


def one_backbone(config: Any) -> None:
    """Give the backbone one instance with all cores instead of two."""
    if config.name == "backbone":
        config.instance_group[0].count = 1


def one_thread_each(config: Any) -> None:
    """Give each of the two backbones one thread instead of all cores."""
    if config.name == "backbone":
        config.parameters["intra_op_thread_count"].string_value = "1"


def batching(config: Any) -> None:
    """Let requests that wait share one run in every model, before one backbone."""
    one_backbone(config)
    config.dynamic_batching.ClearField("preferred_batch_size")


RECIPES: Mapping[str, Callable[[Any], None]] = MappingProxyType(
    {
        "as served": as_served,
        "one backbone": one_backbone,
        "two backbones of one thread": one_thread_each,
        "one backbone, batching": batching,
    }
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One prediction and the measurement that followed it."""

    recipe: str
    predicted_per_s: float
    measured_per_s: float | None
    """None: no rate passed."""
    verdict: str
    profile: dict[str, Any]

    @property
    def ratio(self) -> float | None:
        """Return predicted over measured."""
        return self.predicted_per_s / self.measured_per_s if self.measured_per_s else None


def main(argv: Sequence[str] | None = None) -> int:
    """Check the recipes in turns, print the table, write the JSON; return 1 where one is off by more than the goal."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.benchmarks.capacity_check", description=__doc__)
    parser.add_argument("--sla", type=sla_target, default=Target(percentile=95, limit_ms=300), metavar="pN=TIME")
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES)[:2], metavar="RECIPE")
    parser.add_argument(
        "--repeats", type=int, default=1, help="how often each recipe is checked, in turns (%(default)s)"
    )
    parser.add_argument("--photos", type=Path, help="folder of photos; default: coco_mini val, or the demo's photos")
    parser.add_argument("--json", type=Path, default=Path("out/bench/capacity.json"))
    arguments = parser.parse_args(argv)
    console = Console(soft_wrap=True)
    checked: list[Checked] = []
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        photos.mkdir()
        for path in photo_paths(arguments.photos):
            shutil.copy(path, photos)
        for _ in range(arguments.repeats):
            for recipe in arguments.recipes:
                checked.append(check(recipe, arguments.sla, photos, Path(scratch), console))
                console.print(_line(checked[-1]), markup=False, highlight=False)
    result = summary(checked, arguments.sla)
    print_table(result, console)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    console.print(f"written to {arguments.json}")
    return 0 if result["is_within_goal"] else 1


def check(recipe: str, target: Target, photos: Path, scratch: Path, console: Console) -> Checked:
    """Measure stage times, predict, then search the real peak."""
    with variant(RECIPES[recipe], scratch) as repository, own_server(console, model_repository=repository) as server:
        contents = [path.read_bytes() for path in sorted(photos.iterdir())]
        with console.status("measuring stage times"):
            profile = Measurement(server.grpc_url, contents)()
        console.print(profile.source, markup=False, highlight=False)
        with console.status("simulating"):
            predicted = predict_peak(profile, [target], seed=0, step_s=STEP_S)
        report = scratch / "report"
        shutil.rmtree(report, ignore_errors=True)
        command = [
            *(sys.executable, "-m", "loadtest", "find-peak", "--url", server.grpc_url, "--photos", str(photos)),
            *("--sla", f"{target.name}={target.limit_ms:g}ms", "--report", str(report)),
            # Around the prediction, but far enough below for it to be wrong by half.
            *("--start-rate", f"{max(1.0, predicted.rate_per_s / 2):.1f}", "--tolerance", "0.05"),
            *("--step-duration", "20s", "--max-step-duration", f"{STEP_S:g}s"),
            # The server takes every core, so the generator on the same machine is late by more than its usual 1 ms.
            *("--max-lag", "30ms"),
        ]
        subprocess.run(command, cwd=CHECKOUT, check=False)
    found = RunResult.from_json((report / "report.json").read_bytes())
    return Checked(
        recipe=recipe,
        predicted_per_s=predicted.rate_per_s,
        measured_per_s=found.rate_per_s,
        verdict=found.verdict.line,
        profile=profile.to_json(),
    )


@contextlib.contextmanager
def variant(change: Callable[[Any], None], scratch: Path) -> Iterator[Path]:
    """Yield a copy of the model repository with its models' configs changed."""
    repository = Path(tempfile.mkdtemp(prefix="repository-", dir=scratch))
    try:
        shutil.copytree(REPOSITORY, repository, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for model in _SERVER_STEPS:
            path = repository / model / "config.pbtxt"
            config = text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())
            change(config)
            path.write_text(text_format.MessageToString(config))
        yield repository
    finally:
        shutil.rmtree(repository)


def summary(checked: Sequence[Checked], target: Target) -> dict[str, Any]:
    """Return the JSON: each check, and by recipe the mean of its repeats."""
    recipes = {}
    for name in dict.fromkeys(one.recipe for one in checked):
        of_recipe = [one for one in checked if one.recipe == name]
        measured = [one.measured_per_s for one in of_recipe if one.measured_per_s]
        predicted = fmean(one.predicted_per_s for one in of_recipe)
        ratio = predicted / fmean(measured) if measured else None
        recipes[name] = {
            "predicted_per_s": predicted,
            "measured_per_s": fmean(measured) if measured else None,
            "ratio": ratio,
            "is_within_goal": ratio is not None and abs(ratio - 1) <= GOAL,
        }
    return {
        "machine": describe_machine(),
        "sla": str(target),
        "step_s": STEP_S,
        "goal": GOAL,
        "is_within_goal": all(recipe["is_within_goal"] for recipe in recipes.values()),
        "recipes": recipes,
        "checks": [
            {
                "recipe": one.recipe,
                "predicted_per_s": one.predicted_per_s,
                "measured_per_s": one.measured_per_s,
                "ratio": one.ratio,
                "verdict": one.verdict,
                "profile": one.profile,
            }
            for one in checked
        ],
    }


def print_table(result: dict[str, Any], console: Console) -> None:
    """Print predicted and measured peaks."""
    table = Table("recipe", "predicted /s", "measured /s", "ratio", title=f"highest rate that holds {result['sla']}")
    for name, recipe in result["recipes"].items():
        measured, ratio = recipe["measured_per_s"], recipe["ratio"]
        table.add_row(
            name,
            f"{recipe['predicted_per_s']:.1f}",
            "none" if measured is None else f"{measured:.1f}",
            "-" if ratio is None else f"{ratio:.2f}",
        )
    console.print(table)
    console.print(f"goal: within {100 * result['goal']:.0f} %: {'met' if result['is_within_goal'] else 'missed'}")


def _line(one: Checked) -> str:
    return f"{one.recipe}: predicted {one.predicted_per_s:.1f}/s; {one.verdict}"


if __name__ == "__main__":
    sys.exit(main())
