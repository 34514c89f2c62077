import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.training.scorecard.toy_jobs import MODULE
from training.scorecard.errors import ScorecardError
from training.scorecard.job import Job
from training.scorecard.job_runner import JobRunner


def runner(folder: Path, code: str = "code", workers: int = 1) -> JobRunner:
    return JobRunner(work_folder=folder, code_sha256=lambda _: code, workers=workers)


def doubling(number: int, **fields) -> Job:
    return Job(name=f"double {number}", function=f"{MODULE}:double", arguments={"number": number}, **fields)


FAILING = Job(name="failing", function=f"{MODULE}:fail")


def test_results_come_by_name_and_a_failure_stops_nothing_else(tmp_path) -> None:
    outcomes = runner(tmp_path).run([doubling(1), FAILING, doubling(2)])

    assert outcomes.values == {"double 1": {"doubled": 2}, "double 2": {"doubled": 4}}
    assert outcomes.failures == {"failing": "ZeroDivisionError: no such thing"}
    assert "ZeroDivisionError" in (tmp_path / "logs" / "failing.log").read_text()


def test_what_an_earlier_run_left_is_not_run_again_but_failures_are(tmp_path) -> None:
    runner(tmp_path).run([doubling(1), FAILING])

    outcomes = runner(tmp_path).run([doubling(1), doubling(2), FAILING])

    assert (tmp_path / "runs.txt").read_text() == "1\n2\n"
    assert outcomes.values["double 1"] == {"doubled": 2}
    assert outcomes.kept == {"double 1"}
    assert set(outcomes.failures) == {"failing"}


def test_other_code_or_other_data_run_everything_again(tmp_path) -> None:
    data = tmp_path / "annotations.json"
    data.write_text("one")
    photos = tmp_path / "images"
    photos.mkdir()
    job = doubling(3, reads=(data, photos))
    keys = {job.key("code"), job.key("other code")}
    data.write_text("two")
    keys.add(job.key("code"))
    (photos / "cat.jpg").write_bytes(b"1234")
    keys.add(job.key("code"))
    (photos / "cat.jpg").write_bytes(b"12345")
    keys.add(job.key("code"))

    assert len(keys) == 5
    assert all(key.startswith("double_3-") for key in keys)


def test_a_damaged_result_is_made_again(tmp_path) -> None:
    runner(tmp_path).run([doubling(1)])
    (path,) = (tmp_path / "jobs").iterdir()
    path.write_text('{"value": ')

    assert runner(tmp_path).run([doubling(1)]).values == {"double 1": {"doubled": 2}}


def test_stages_come_in_order_and_the_same_job_once(tmp_path) -> None:
    jobs = [doubling(2, stage=2), doubling(1, stage=1), doubling(0, stage=0, is_alone=True), doubling(1, stage=1)]

    runner(tmp_path).run(jobs)

    assert (tmp_path / "runs.txt").read_text() == "0\n1\n2\n"


def test_two_different_jobs_of_one_name_are_refused(tmp_path) -> None:
    with pytest.raises(ScorecardError, match="'double 1'"):
        runner(tmp_path).run([doubling(1), doubling(1, cost=5.0)])


def test_a_process_that_dies_fails_its_job_and_the_rest_goes_on(tmp_path) -> None:
    outcomes = runner(tmp_path).run([Job(name="dying", function=f"{MODULE}:die"), doubling(1)])

    assert "died" in outcomes.failures["dying"]
    assert outcomes.values == {"double 1": {"doubled": 2}}


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_ends_the_workers_and_keeps_what_is_done(tmp_path) -> None:
    sleeping = Job(name="sleeping", function=f"{MODULE}:sleep", arguments={"seconds": 3600.0}, stage=2)

    def press_ctrl_c() -> None:
        while not (tmp_path / "sleeping").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press_ctrl_c, daemon=True).start()
    outcomes = runner(tmp_path).run([doubling(1), sleeping])  # which would take an hour

    assert outcomes.was_interrupted
    assert outcomes.values == {"double 1": {"doubled": 2}}
    assert not multiprocessing.active_children()
    assert runner(tmp_path).run([doubling(1)]).kept == {"double 1"}
