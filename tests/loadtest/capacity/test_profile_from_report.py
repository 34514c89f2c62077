import dataclasses
import json

import pytest

from loadtest.capacity.errors import ProfileError
from loadtest.capacity.from_report import profile_from_report
from loadtest.capacity.profile_file import load_profile
from loadtest.capacity.simulation import simulate
from loadtest.capacity.stage_settings import StageSettings
from loadtest.errors import ReportFormatError
from tests.loadtest.capacity.profiles import detect_like
from tests.loadtest.report.sample_results import sample_result, sample_stages

BACKBONE = StageSettings(
    instances=2,
    max_batch=8,
    preferred_batch_sizes=(),
    max_queue_delay_ms=0.0,
    max_queue_size=64,
    queue_timeout_ms=0.0,
    threads=0,
    is_on_gpu=False,
)


def with_batches(change):
    """A result whose stages' batch rows were changed by `change(row, batch)`."""
    stages = sample_stages()
    rows = tuple(
        dataclasses.replace(row, batches=tuple(change(row, batch) for batch in row.batches)) for row in stages.rows
    )
    return sample_result(stages=dataclasses.replace(stages, rows=rows))


def test_a_stage_takes_what_its_executions_took():
    profile = profile_from_report(sample_result(), cores=4)
    rows = {row.model: row for row in sample_stages().rows}
    for stage in profile.stages[1:]:
        batch = rows[stage.name].batches[0]
        assert stage.elapsed_ms(batch.batch_size) == batch.input_ms + batch.infer_ms + batch.output_ms
    assert profile.stage("label_propagation").after == ("head_generic", "head_electronics")


def test_an_idle_replica_answers_in_about_the_reports_own_time():
    result = with_batches(lambda row, batch: dataclasses.replace(batch, infer_ms=row.infer_ms))
    profile = profile_from_report(result, cores=16)
    mean_ms = simulate(profile, rate_per_s=0.01, requests=50, seed=1).latencies_ms.mean()
    assert mean_ms == pytest.approx(result.latency.mean_ms, rel=0.3)


def test_settings_of_the_server_fill_in_what_a_report_does_not_hold():
    stage = profile_from_report(sample_result(), cores=4, settings={"backbone": BACKBONE}).stage("backbone")
    assert (stage.instances, stage.max_batch, stage.max_queue_size) == (2, 8, 64)
    assert stage.demand(1) == pytest.approx(4), "threads 0 is every core"


def test_the_cores_are_the_reports_machine_where_the_server_was_on_it():
    assert profile_from_report(sample_result()).resources["cpu"].capacity == 2


def test_a_server_elsewhere_needs_its_cores():
    with pytest.raises(ProfileError, match="--cores"):
        profile_from_report(sample_result(url="grpc://triton.example:8001"))


def test_a_report_without_stages_says_what_to_do():
    with pytest.raises(ProfileError, match="--measure"):
        profile_from_report(sample_result(stages=None))


def test_too_few_executions_say_to_run_longer():
    with pytest.raises(ProfileError, match="run longer"):
        profile_from_report(with_batches(lambda row, batch: dataclasses.replace(batch, executions=2)))


def test_a_report_folder_and_a_profile_are_told_apart(tmp_path):
    (tmp_path / "report.json").write_text(sample_result().to_json())
    assert load_profile(tmp_path, cores=4).stage("backbone").after == ("preprocess",)
    detect_like().save(tmp_path / "profile.json")
    assert load_profile(tmp_path / "profile.json") == detect_like()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.json").write_text("not JSON")
    with pytest.raises(ProfileError, match="no JSON"):
        load_profile(tmp_path / "x.json")
    (tmp_path / "y.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(ReportFormatError):
        load_profile(tmp_path / "y.json")
