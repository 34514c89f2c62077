"""Blocks of calls made by hand, with figures that can be followed on paper."""

import dataclasses

import pytest

from loadtest.capacity.errors import MeasurementError
from loadtest.capacity.measured_block import CLIENT, MeasuredBlock
from loadtest.capacity.profile_building import BETWEEN_STAGES, Measured, build_profile
from loadtest.capacity.server_processes import SERVER_ITSELF
from loadtest.capacity.stage_settings import StageSettings
from loadtest.results import BatchRow, StageTable
from loadtest.stages.ensemble_graph import EnsembleGraph, EnsembleStep
from tests.loadtest.report.sample_results import sample_row

SETTINGS = StageSettings(
    instances=1,
    max_batch=8,
    preferred_batch_sizes=(),
    max_queue_delay_ms=0.0,
    max_queue_size=0,
    queue_timeout_ms=0.0,
    threads=0,
    is_on_gpu=False,
)
# The join stands first in the config; the order in which stages run is that of their inputs.
GRAPH = EnsembleGraph(
    steps=(
        EnsembleStep(model="join", version="1", after=(1, 2)),
        EnsembleStep(model="first", version="1", after=()),
        EnsembleStep(model="second", version="1", after=(1,)),
    )
)


def block(size, *, calls=10, mean_ms=50.0, cpu_ms=None):
    """Each model takes 1 + 7 + 1 ms (`second` three times that) per item; copying is 2 of 9 of it."""
    rows = []
    for model, factor in (("first", 1), ("second", 3), ("join", 1)):
        batch = BatchRow(
            batch_size=size,
            executions=calls,
            input_ms=factor * size,
            infer_ms=7.0 * factor * size,
            output_ms=factor * size,
        )
        rows.append(dataclasses.replace(sample_row(model, ensemble="graph", total_ms=9.0), batches=(batch,)))
    table = StageTable(window_s=1.0, rows=tuple(rows), ensembles=())
    return MeasuredBlock(calls=calls, mean_ms=mean_ms, table=table, cpu_ms=cpu_ms or {CLIENT: 20.0})


def build(blocks, *, settings=SETTINGS, cores=4.0, **options):
    measured = Measured(
        graph=GRAPH,
        settings=dict.fromkeys(("first", "second", "join"), settings),
        blocks=blocks,
        spread=dict.fromkeys(("first", "second", "join"), 0.1),
        cores=cores,
    )
    return build_profile(measured, name="graph", source="", landscape_share=options.pop("landscape_share", 1.0))


def test_stages_stand_behind_those_that_they_read_from():
    assert [stage.name for stage in build({1: block(1)}).stages] == [BETWEEN_STAGES, "first", "second", "join"]


def test_elapsed_times_become_a_curve():
    second = build({1: block(1), 4: block(4)}).stage("second")
    assert (second.elapsed_ms(1), second.elapsed_ms(4)) == (27, 108)


def test_what_a_call_takes_beyond_its_longest_path_lies_between_the_stages():
    assert build({1: block(1, mean_ms=50)}).stages[0].elapsed_ms(1) == 50 - (9 + 27 + 9)


def test_cpu_time_is_that_of_a_models_processes_and_its_part_of_tritonservers_copying():
    cpu = {CLIENT: 20.0, SERVER_ITSELF: 100.0, "first": 90.0, "second": 540.0, "join": 90.0}
    profile = build({1: block(1, cpu_ms=cpu)})
    # In 10 executions; copying is 1 : 3 : 1.
    assert profile.stage("first").work_ms(1) == pytest.approx(9 + 2)
    assert profile.stage("second").work_ms(1) == pytest.approx(54 + 6)
    assert profile.stage("second").demand(1) == pytest.approx(60 / 27)
    assert profile.stages[0].work_ms(1) == 2


def test_without_cpu_times_the_threads_are_busy_and_the_client_is_elsewhere():
    profile = build({1: block(1)})
    assert profile.stage("first").demand(1) == 4
    assert build({1: block(1)}, settings=dataclasses.replace(SETTINGS, threads=1)).stage("first").demand(1) == 1
    assert profile.stages[0].work_ms(1) == 0


def test_models_on_a_gpu_share_it():
    profile = build({1: block(1)}, settings=dataclasses.replace(SETTINGS, is_on_gpu=True))
    assert {stage.resource for stage in profile.stages[1:]} == {"gpu"}
    assert profile.resources["gpu"].capacity == 1


def test_two_orientations_never_share_a_batch():
    assert build({1: block(1)}, landscape_share=0.7).shape_shares == pytest.approx((0.7, 0.3))
    assert build({1: block(1)}, landscape_share=1.0).shape_shares == (1.0,)


def test_a_model_that_did_not_run_says_why_that_may_be():
    silent = block(1)
    table = dataclasses.replace(silent.table, rows=silent.table.rows[:2])
    with pytest.raises(MeasurementError, match=r"join did not run for 10 calls: .* response cache"):
        build({1: dataclasses.replace(silent, table=table)})
