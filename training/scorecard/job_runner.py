"""Run jobs in worker processes, keep every result as soon as it is there, and go on when one fails."""

import contextlib
import json
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.atomic_file import write_atomically
from training.scorecard.errors import ScorecardError
from training.scorecard.job import Job


@dataclass(slots=True)
class JobOutcomes:
    """What came of the jobs, by name; a job in neither was not reached."""

    values: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """The error of each job that failed, in a line."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall clock of each job, also of those kept from an earlier run."""
    kept: set[str] = field(default_factory=set)
    """Jobs whose result an earlier run left."""
    was_interrupted: bool = False


class JobRunner:
    """Runs jobs, `workers` at a time."""

    def __init__(self, *, work_folder: Path, code_sha256: Callable[[str], str], workers: int) -> None:
        """Make a runner.

        Args:
            work_folder: results and logs are kept in it.
            code_sha256: from a job's function, `module:function`, to the hash of the code that it reaches.
            workers: processes side by side.
        """
        self._work_folder = work_folder
        self._code_sha256 = code_sha256
        self._workers = workers
        (work_folder / "jobs").mkdir(parents=True, exist_ok=True)

    def run(self, jobs: Iterable[Job]) -> JobOutcomes:
        """Run what no earlier run has left; Ctrl-C ends the workers and returns what there is.

        Raises:
            ScorecardError: two different jobs bear one name.
        """
        outcomes = JobOutcomes()
        missing = self._take_what_is_kept(_unique(jobs), outcomes)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        # One job takes about a minute: the time left needs more than the last half a minute to go by.
        with Progress(*columns, speed_estimate_period=900.0, transient=True) as progress:
            task = progress.add_task("scorecard", total=sum(job.cost for job in missing))
            try:
                for batch in _batches(missing):
                    self._run_batch(batch, outcomes, progress, task)
            except KeyboardInterrupt:
                outcomes.was_interrupted = True
        return outcomes

    def _take_what_is_kept(self, jobs: Sequence[Job], outcomes: JobOutcomes) -> list[Job]:
        missing = []
        for job in jobs:
            try:
                kept = json.loads(self._path(job).read_text())
                outcomes.values[job.name], outcomes.seconds[job.name] = kept["value"], kept["seconds"]
                outcomes.kept.add(job.name)
            except (OSError, ValueError, KeyError):
                missing.append(job)
        return missing

    def _run_batch(self, jobs: Sequence[Job], outcomes: JobOutcomes, progress: Progress, task: TaskID) -> None:
        """Run jobs side by side; a worker that dies takes those under way with it, the rest get new workers."""
        waiting = list(jobs)
        while waiting:
            running: dict[Future[dict[str, Any]], Job] = {}
            with self._pool(min(self._workers, len(waiting))) as pool:
                try:
                    self._run_in(pool, waiting, running, outcomes, progress, task)
                except KeyboardInterrupt:
                    # Before the pool is left, which would wait for what is under way.
                    for process in multiprocessing.active_children():
                        process.terminate()
                    raise
                except BrokenProcessPool:
                    for job in running.values():
                        outcomes.failures[job.name] = "its process died (memory?), or the one beside it did"
                        progress.advance(task, job.cost)

    def _run_in(
        self,
        pool: ProcessPoolExecutor,
        waiting: list[Job],
        running: dict[Future[dict[str, Any]], Job],
        outcomes: JobOutcomes,
        progress: Progress,
        task: TaskID,
    ) -> None:
        """Move jobs from `waiting` through `running` to their outcome."""
        while waiting or running:
            while waiting and len(running) < self._workers:
                running[pool.submit(_run_in_worker, waiting[0], self._work_folder)] = waiting[0]
                waiting.pop(0)
            progress.update(task, description=_shortened(job.name for job in running.values()))
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(future, running[future], outcomes)
                job = running.pop(future)
                progress.advance(task, job.cost)
                progress.console.print(_line(job, outcomes), highlight=False)

    def _take(self, future: Future[dict[str, Any]], job: Job, outcomes: JobOutcomes) -> None:
        result = future.result()
        if "failure" in result:
            outcomes.failures[job.name] = result["failure"]
            return
        outcomes.values[job.name], outcomes.seconds[job.name] = result["value"], result["seconds"]
        write_atomically(self._path(job), json.dumps(result).encode())

    def _path(self, job: Job) -> Path:
        return self._work_folder / "jobs" / f"{job.key(self._code_sha256(job.function))}.json"

    def _pool(self, workers: int) -> ProcessPoolExecutor:
        # Threads of torch do not survive a fork.
        return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_prepare_worker)


def _unique(jobs: Iterable[Job]) -> list[Job]:
    by_name: dict[str, Job] = {}
    for job in jobs:
        if by_name.setdefault(job.name, job) != job:
            raise ScorecardError(f"two different jobs are named {job.name!r}")
    return list(by_name.values())


def _batches(jobs: Sequence[Job]) -> list[list[Job]]:
    """What may run side by side, in order: by stage; a job that must be alone is a batch of its own."""
    batches: list[list[Job]] = []
    for stage in sorted({job.stage for job in jobs}):
        of_stage = [job for job in jobs if job.stage == stage]
        batches += [[job] for job in of_stage if job.is_alone]
        if together := [job for job in of_stage if not job.is_alone]:
            batches.append(together)
    return batches


def _shortened(names: Iterable[str]) -> str:
    text = " | ".join(names)
    return text if len(text) <= 70 else f"{text[:69]}…"


def _line(job: Job, outcomes: JobOutcomes) -> str:
    if job.name in outcomes.failures:
        return f"failed: {job.name}: {outcomes.failures[job.name]}"
    return f"done: {job.name} ({outcomes.seconds[job.name]:.0f} s)"


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; it terminates what runs
    os.environ["OMP_NUM_THREADS"] = "1"  # as many workers as cores, one thread each; no library has started yet


def _run_in_worker(job: Job, work_folder: Path) -> dict[str, Any]:
    """Return the value and seconds, or the failure in a line; what the job prints, and a traceback, go to a log."""
    log_folder = work_folder / "logs"
    log_folder.mkdir(parents=True, exist_ok=True)
    log_path = log_folder / f"{job.key('').rsplit('-', 1)[0]}.log"
    started = time.monotonic()
    with log_path.open("w") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            value = job.run(work_folder)
        except Exception as error:
            traceback.print_exc(file=log)
            reason = " ".join(str(error).split())[:500]
            return {"failure": f"{type(error).__name__}: {reason}"}
    return {"value": value, "seconds": round(time.monotonic() - started, 2)}
