"""`python -m training scorecard`: rerun what the papers claim, and write down what holds."""

import argparse
import datetime
import os
import platform
import shlex
import sys
import time
from pathlib import Path

from training.data.roots import REPOSITORY_ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "--quick", action="store_true", help="a small fraction of the photos: shows that all of it runs"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these relations; --list names them")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="default: 0 1 2, with --quick 0 1")
    parser.add_argument("--list", action="store_true", help="name the relations and what each claims, and stop")
    parser.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY_ROOT / "docs" / "scorecard",
        metavar="DIR",
        help="scorecard.json, scorecard.md and plots go here (default: docs/scorecard)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=REPOSITORY_ROOT / "out" / "scorecard",
        metavar="DIR",
        help="features and finished parts are kept here, so that a stopped run goes on (default: out/scorecard)",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")


def run(arguments: argparse.Namespace) -> int:
    """Run the scorecard; the exit status is 1 if a relation failed, 130 if it was stopped, else 0."""
    from dataclasses import replace
    from functools import cache

    from training.scorecard.errors import ScorecardError
    from training.scorecard.job_runner import JobRunner
    from training.scorecard.plan import FULL, QUICK
    from training.scorecard.reached_code import ReachedCode
    from training.scorecard.relations.registry import relations_named
    from training.scorecard.report.console_table import print_scorecard
    from training.scorecard.report.write_report import write_report
    from training.scorecard.scorecard import run_scorecard
    from training.scorecard.verdict import Verdict

    relations = relations_named(arguments.only)
    if arguments.list:
        for relation in relations:
            print(f"{relation.name}\n    {relation.claim.sentence}\n    {relation.claim.source}")
        return 0
    if arguments.workers < 1:
        raise ScorecardError(f"--workers must be 1 or more, got {arguments.workers}")
    seeds = tuple(dict.fromkeys(arguments.seeds or ()))
    if any(seed < 0 for seed in seeds):
        raise ScorecardError(f"--seeds must be 0 or more, got {', '.join(map(str, seeds))}")
    plan = QUICK if arguments.quick else FULL
    if seeds:
        plan = replace(plan, seeds=seeds)
    os.environ["OMP_NUM_THREADS"] = "1"  # workers inherit it before their torch starts
    started = time.monotonic()
    code_sha256 = cache(ReachedCode(REPOSITORY_ROOT).sha256)  # as it is when the run begins
    runner = JobRunner(work_folder=arguments.work, code_sha256=code_sha256, workers=arguments.workers)
    scorecard = run_scorecard(relations, plan, runner)
    minutes = (time.monotonic() - started) / 60
    facts = {
        "command": _command(arguments),
        "measured": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "took": f"{minutes:.1f} minutes on {arguments.workers} of {os.cpu_count()} cores ({_processor()})",
        "parts": f"{scorecard.num_jobs}, of which {scorecard.num_kept_jobs} were kept from an earlier run",
        "size": "quick: a fraction of the photos, its verdicts mean little" if plan.is_quick else "full",
        "seeds": ", ".join(str(seed) for seed in plan.seeds),
    }
    paths = write_report(scorecard, facts, arguments.out)
    print_scorecard(scorecard.results)
    print(f"{minutes:.1f} minutes; written to {', '.join(str(path) for path in paths[:2])} and {len(paths) - 2} plots")
    if scorecard.was_interrupted:
        print("stopped: the same command goes on from here", file=sys.stderr)
        return 130
    return 1 if any(result.verdict is Verdict.FAILED for result in scorecard.results) else 0


def _command(arguments: argparse.Namespace) -> str:
    parts = ["python", "-m", "training", "scorecard"]
    parts += ["--quick"] * arguments.quick
    parts += ["--only", *arguments.only] if arguments.only else []
    parts += ["--seeds", *map(str, arguments.seeds)] if arguments.seeds else []
    return shlex.join(parts)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
