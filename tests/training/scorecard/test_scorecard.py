import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.scorecard.toy_jobs import MODULE
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.job import Job
from training.scorecard.job_runner import JobOutcomes, JobRunner
from training.scorecard.paired_bootstrap import PairedDifference
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation
from training.scorecard.relation_result import Findings, measurement_of
from training.scorecard.report.write_report import write_report
from training.scorecard.scorecard import Scorecard, run_scorecard
from training.scorecard.verdict import Verdict

CLAIM = Claim(
    sentence="Twice is more than once.",
    source="A paper, Table 1 | section 2",
    figures=(PaperFigure(what="AP50", other=1.0, better=2.0),),
)


def relation(name: str, *, gain: float = 0.1, jobs=None, conclude=None) -> Relation:
    def default_jobs(plan: Plan) -> list[Job]:
        return [Job(name=f"{name}, seed {s}", function=f"{MODULE}:double", arguments={"number": s}) for s in plan.seeds]

    def default_conclude(plan: Plan, results) -> Findings:
        other = tuple(results[f"{name}, seed {s}"]["doubled"] / 10 for s in plan.seeds)
        difference = PairedDifference(tuple(o + gain for o in other), other, (gain - 0.02, gain + 0.02))
        return Findings(
            measurements=(measurement_of(difference, what="AP50", better="twice", other="once"),),
            reason="Because two is twice one.",
            details={"boxes_before": {"cat": 2, "dog": 40}, "boxes_after": {"cat": 50, "dog": 60}},
        )

    return Relation(
        name=name,
        claim=CLAIM,
        setting="Very small.",
        jobs=jobs or default_jobs,
        conclude=conclude or default_conclude,
    )


def failing_jobs(plan: Plan) -> list[Job]:
    return [Job(name="failing", function=f"{MODULE}:fail")]


def run(tmp_path: Path, *relations: Relation, seeds: tuple[int, ...] = (0, 1)) -> Scorecard:
    job_runner = JobRunner(work_folder=tmp_path / "work", code_sha256=lambda _: "code", workers=1)
    return run_scorecard(relations, Plan(seeds=seeds), job_runner)


def verdicts(scorecard: Scorecard) -> dict[str, Verdict]:
    return {result.name: result.verdict for result in scorecard.results}


def test_relations_get_their_verdicts_and_failing_ones_are_reported_as_failed(tmp_path) -> None:
    def break_down(plan: Plan, *results) -> list[Job]:
        raise KeyError("nothing here")

    scorecard = run(
        tmp_path,
        relation("gains"),
        relation("fails", jobs=failing_jobs),
        relation("loses", gain=-0.1),
        relation("has_no_jobs", jobs=break_down),
        relation("cannot_conclude", conclude=break_down),
        relation("is_noise", gain=0.01),
    )

    assert verdicts(scorecard) == {
        "gains": Verdict.HOLDS,
        "fails": Verdict.FAILED,
        "loses": Verdict.DOES_NOT_HOLD,
        "has_no_jobs": Verdict.FAILED,
        "cannot_conclude": Verdict.FAILED,
        "is_noise": Verdict.UNDECIDED,
    }
    by_name = {result.name: result for result in scorecard.results}
    assert "ZeroDivisionError: no such thing" in by_name["fails"].reason
    assert "nothing here" in by_name["has_no_jobs"].reason
    assert by_name["gains"].seeds == (0, 1)


def test_one_seed_holds_nothing(tmp_path) -> None:
    assert verdicts(run(tmp_path, relation("gains"), seeds=(0,))) == {"gains": Verdict.UNDECIDED}


def test_a_stopped_run_concludes_from_the_seeds_that_are_complete(tmp_path) -> None:
    class StoppedRunner(JobRunner):
        def run(self, jobs) -> JobOutcomes:
            done = [job for job in jobs if "seed 2" not in job.name and "later" not in job.name]
            return JobOutcomes(values={job.name: {"doubled": 2} for job in done}, was_interrupted=True)

    stopped = StoppedRunner(work_folder=tmp_path, code_sha256=lambda _: "code", workers=1)
    scorecard = run_scorecard([relation("gains"), relation("later")], Plan(seeds=(0, 1, 2)), stopped)

    gains, later = scorecard.results
    assert gains.verdict is Verdict.HOLDS
    assert gains.seeds == (0, 1)
    assert "Seeds 2 are missing" in gains.reason
    assert later.verdict is Verdict.STOPPED


def test_the_report_says_everything_in_json_markdown_and_plots(tmp_path) -> None:
    scorecard = run(tmp_path, relation("gains"), relation("fails", jobs=failing_jobs))
    folder = tmp_path / "scorecard"
    paths = write_report(scorecard, {"command": "python -m training scorecard"}, folder)

    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
    document = json.loads((folder / "scorecard.json").read_text())
    gains, fails = document["relations"]
    assert document["facts"]["command"] == "python -m training scorecard"
    assert gains["verdict"] == "holds"
    assert gains["claim"]["figures"] == [{"what": "AP50", "other": 1.0, "better": 2.0}]
    assert gains["measurements"][0]["mean_difference"] == 0.1
    assert gains["measurements"][0]["better_per_seed"] == [0.1, 0.3]
    assert fails["verdict"] == "failed"
    page = (folder / "scorecard.md").read_text()
    assert "| [Twice is more than once.](#gains) | A paper, Table 1 \\| section 2<br>AP50: 1 → 2 |" in page
    assert "**holds**" in page
    assert "**failed**" in page
    assert "Because two is twice one." in page
    assert {"overview.png", "gains.png", "gains_details.png"} <= {path.name for path in paths}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths if path.suffix == ".png")
    assert all(f"]({path.name})" in page for path in paths if path.suffix == ".png")


def test_plots_of_the_report_before_go_and_other_pictures_stay(tmp_path) -> None:
    folder = tmp_path / "scorecard"
    write_report(run(tmp_path, relation("gains"), relation("renamed")), {}, folder)
    (folder / "holiday.png").touch()
    paths = write_report(run(tmp_path, relation("gains")), {}, folder)
    assert {path.name for path in folder.iterdir()} == {"holiday.png", *(path.name for path in paths)}


def test_figures_of_which_none_decides_and_figures_that_are_no_numbers_are_reported_too(tmp_path) -> None:
    def conclude(plan: Plan, results) -> Findings:
        difference = PairedDifference((0.2,), (0.1,), (0.05, float("inf")))
        measurement = measurement_of(difference, what="AP50", better="twice", other="once")
        return Findings(measurements=(replace(measurement, is_decisive=False),), details={"worst": float("-inf")})

    paths = write_report(run(tmp_path, relation("stands_beside", conclude=conclude)), {}, tmp_path / "scorecard")
    assert "overview.png" not in {path.name for path in paths}
    document = json.loads(paths[0].read_text(), parse_constant=pytest.fail)
    assert document["relations"][0]["details"] == {"worst": None}


def test_the_same_results_are_written_as_the_same_files(tmp_path) -> None:
    scorecard = run(tmp_path, relation("gains"))
    first, again = (write_report(scorecard, {"command": "x"}, tmp_path / name) for name in ("first", "again"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
