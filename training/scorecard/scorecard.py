"""Run relations to their verdicts, whatever fails or is stopped on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.scorecard.job import Job
from training.scorecard.job_runner import JobOutcomes, JobRunner
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation
from training.scorecard.relation_result import Findings, RelationResult, reasons_of
from training.scorecard.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Every relation's result, and what was run for them."""

    results: tuple[RelationResult, ...]
    was_interrupted: bool
    num_jobs: int
    num_kept_jobs: int
    """Jobs whose result an earlier run had left."""
    job_seconds: float
    """Of all jobs together, each on a core of its own, also of those kept."""


def run_scorecard(relations: Sequence[Relation], plan: Plan, runner: JobRunner) -> Scorecard:
    """Run what the relations need and conclude; one that cannot be is reported as failed.

    Args:
        relations: in the order of the scorecard.
        plan: sizes and seeds.
        runner: of the jobs.
    """
    jobs: dict[tuple[str, int], Sequence[Job]] = {}
    errors: dict[str, str] = {}
    # Seed by seed, so that what is stopped has whole seeds of all relations and not all seeds of one.
    for seed in plan.seeds:
        for relation in relations:
            try:
                jobs[relation.name, seed] = relation.jobs(replace(plan, seeds=(seed,)))
            except Exception as error:
                errors[relation.name] = f"{type(error).__name__}: {error}"
    outcomes = runner.run(job for of_relation in jobs.values() for job in of_relation)
    results = []
    for relation in relations:
        of_seed = {seed: jobs.get((relation.name, seed), ()) for seed in plan.seeds}
        if relation.name in errors:
            results.append(_without_verdict(relation, Verdict.FAILED, errors[relation.name]))
        else:
            results.append(_result(relation, plan, of_seed, outcomes))
    return Scorecard(
        results=tuple(results),
        was_interrupted=outcomes.was_interrupted,
        num_jobs=len({job.name for of_relation in jobs.values() for job in of_relation}),
        num_kept_jobs=len(outcomes.kept),
        job_seconds=round(sum(outcomes.seconds.values()), 1),
    )


def _result(
    relation: Relation, plan: Plan, jobs_of_seed: dict[int, Sequence[Job]], outcomes: JobOutcomes
) -> RelationResult:
    names = {job.name for jobs in jobs_of_seed.values() for job in jobs}
    failures = sorted({f"{name}: {outcomes.failures[name]}" for name in names if name in outcomes.failures})
    complete = tuple(s for s, jobs in jobs_of_seed.items() if all(job.name in outcomes.values for job in jobs))
    seconds = round(sum(outcomes.seconds.get(name, 0.0) for name in names), 1)
    if not complete:
        if failures:
            return _without_verdict(relation, Verdict.FAILED, "; ".join(failures))
        return _without_verdict(relation, Verdict.STOPPED, "the run was stopped before any seed was complete")
    try:
        findings = relation.conclude(replace(plan, seeds=complete), outcomes.values)
    except Exception as error:
        return _without_verdict(relation, Verdict.FAILED, f"{type(error).__name__}: {error}")
    return RelationResult(
        name=relation.name,
        claim=relation.claim,
        setting=relation.setting,
        verdict=findings.verdict,
        seeds=complete if relation.is_seeded else (),
        reason=" ".join(_sentences(findings, plan, complete, failures)),
        measurements=findings.measurements,
        details=findings.details,
        seconds=seconds,
    )


def _sentences(findings: Findings, plan: Plan, complete: tuple[int, ...], failures: Sequence[str]) -> list[str]:
    sentences = [f"{reasons_of(findings.measurements)}."]
    if findings.reason:
        sentences.append(findings.reason)
    if missing := [seed for seed in plan.seeds if seed not in complete]:
        why = f" ({'; '.join(failures)})" if failures else ""
        sentences.append(f"Seeds {', '.join(map(str, missing))} are missing{why}.")
    return sentences


def _without_verdict(relation: Relation, verdict: Verdict, reason: str) -> RelationResult:
    values: dict[str, Any] = {"name": relation.name, "claim": relation.claim, "setting": relation.setting}
    return RelationResult(verdict=verdict, seeds=(), reason=reason, **values)
