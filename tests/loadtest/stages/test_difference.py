"""Counters made by hand: what the table says about them can be worked out on paper."""

import dataclasses

import pytest

from loadtest.stages.difference import difference
from loadtest.stages.ensemble_graph import EnsembleGraph, EnsembleStep
from loadtest.stages.snapshot import BatchCounters, ModelCounters, ModelKey, ServerSnapshot, Tally
from loadtest.stages.text_table import format_stage_table

MS = 1_000_000

GRAPH = EnsembleGraph(
    steps=(
        EnsembleStep(model="stem", version="1", after=()),
        EnsembleStep(model="left", version="1", after=(0,)),
        EnsembleStep(model="right", version="-1", after=(0,)),
        EnsembleStep(model="join", version="1", after=(1, 2)),
    )
)


def counters(requests, total_ms, *, queue_ms=0.0, executions=None, **changes):
    """Requests that took `total_ms` each, of it `queue_ms` waiting and the rest computing."""
    infer = Tally(requests, int(requests * (total_ms - queue_ms) * MS))
    executions = requests if executions is None else executions
    values = {
        "inference_count": requests,
        "execution_count": executions,
        "success": Tally(requests, int(requests * total_ms * MS)),
        "queue": Tally(requests, int(requests * queue_ms * MS)),
        "compute_infer": infer,
        "batches": {1: BatchCounters(compute_infer=Tally(executions, infer.ns))} if executions else {},
    }
    return ModelCounters(**values | changes)


def snapshot(models, *, taken_s=0.0, ensembles=None):
    keys = {ModelKey(*name.split(":")) if ":" in name else ModelKey(name, "1"): value for name, value in models.items()}
    graphs = {ModelKey("ensemble", "1"): GRAPH} if ensembles is None else ensembles
    return ServerSnapshot(taken_s=taken_s, models=keys, ensembles=graphs)


def graph_counters(requests, *, ensemble_ms=40.5, **changes):
    return {
        "ensemble": counters(requests, ensemble_ms),
        "stem": counters(requests, 10),
        "left": counters(requests, 20, queue_ms=5),
        "right": counters(requests, 8),
        "join": counters(requests, 10),
        **changes,
    }


NOTHING = {name: counters(0, 0) for name in graph_counters(0)}


def test_only_what_happened_between_the_readings_counts():
    before = graph_counters(100, ensemble_ms=1000)
    grown = {
        name: dataclasses.replace(
            before[name],
            inference_count=before[name].inference_count + added.inference_count,
            execution_count=before[name].execution_count + added.execution_count,
            **{
                phase: Tally(
                    getattr(before[name], phase).count + getattr(added, phase).count,
                    getattr(before[name], phase).ns + getattr(added, phase).ns,
                )
                for phase in ("success", "queue", "compute_infer")
            },
        )
        for name, added in graph_counters(10).items()
    }
    table = difference(snapshot(before, taken_s=5.0), snapshot(grown, taken_s=7.5))
    assert table.window_s == 2.5
    rows = {row.model: row for row in table.rows}
    assert rows["ensemble"].total_ms == pytest.approx(40.5)
    assert rows["left"].requests == 10
    assert [rows["left"].queue_ms, rows["left"].infer_ms] == pytest.approx([5, 15])


def test_end_to_end_is_the_longest_path_and_a_remainder():
    table = difference(snapshot(NOTHING), snapshot(graph_counters(10)))
    (ensemble,) = table.ensembles
    assert ensemble.path_ms == pytest.approx(10 + 20 + 10)
    assert ensemble.remainder_ms == pytest.approx(0.5)
    assert ensemble.adds_up
    assert [step.is_critical for step in ensemble.steps] == [True, True, False, True]
    assert [step.after for step in ensemble.steps] == [(), ("stem",), ("stem",), ("left", "right")]
    assert (
        "ensemble 40.50 ms = stem 10.00 + left 20.00 + join 10.00 + scheduling and copies 0.50"
        in format_stage_table(table)
    )


@pytest.mark.parametrize("ensemble_ms", [45.0, 36.0])
def test_stages_that_miss_the_end_to_end_time_by_more_than_five_per_cent_are_said_not_to_add_up(ensemble_ms):
    table = difference(snapshot(NOTHING), snapshot(graph_counters(10, ensemble_ms=ensemble_ms)))
    assert table.ensembles[0].adds_up is False
    assert any("miss its end-to-end time by 11%" in note for note in table.notes)
    assert "does NOT add up" in format_stage_table(table)


def test_the_time_of_a_batch_counts_for_each_of_its_requests_and_once_for_the_execution():
    batched = counters(
        8,
        20,
        executions=2,
        batches={
            3: BatchCounters(compute_infer=Tally(1, 18 * MS)),
            5: BatchCounters(compute_infer=Tally(1, 22 * MS), compute_input=Tally(1, 2 * MS)),
        },
    )
    table = difference(snapshot({"model": counters(0, 0)}, ensembles={}), snapshot({"model": batched}, ensembles={}))
    (row,) = table.rows
    assert row.mean_batch == 4
    assert row.infer_ms == pytest.approx(20)
    assert [(batch.batch_size, batch.executions, batch.infer_ms) for batch in row.batches] == [(3, 1, 18), (5, 1, 22)]
    assert row.batches[1].input_ms == 2


def test_a_restarted_server_is_noticed_and_its_stages_are_not_added_up():
    before, after = snapshot(graph_counters(100)), snapshot(graph_counters(10))
    table = difference(before, after)
    assert any("it was restarted meanwhile" in note for note in table.notes)
    assert table.ensembles[0].adds_up is None
    assert {row.requests for row in table.rows} == {10}
    assert "cannot be judged" in format_stage_table(table)


def test_time_that_went_backwards_shows_a_restart_even_where_the_counts_grew():
    before = snapshot({"model": counters(5, 100)}, ensembles={})
    after = snapshot({"model": counters(6, 1)}, ensembles={})
    assert any("restarted" in note for note in difference(before, after).notes)


def test_one_reloaded_model_is_named():
    before, after = graph_counters(100), graph_counters(150)
    table = difference(snapshot(before), snapshot({**after, "left": counters(3, 20)}))
    assert any("loaded again" in note and "left version 1" in note for note in table.notes)
    assert table.ensembles[0].adds_up is None


def test_models_that_come_and_go_are_named():
    before = {**NOTHING, "gone": counters(5, 1)}
    table = difference(snapshot(before), snapshot({**graph_counters(10), "new:7": counters(2, 3)}))
    assert any("new version 7 was loaded meanwhile" in note for note in table.notes)
    assert any("gone version 1 was unloaded meanwhile" in note for note in table.notes)
    assert [row.requests for row in table.rows if row.model == "new"] == [2]


def test_a_step_that_others_call_too_counts_once_per_request_of_the_ensemble():
    table = difference(snapshot(NOTHING), snapshot(graph_counters(10, stem=counters(30, 10))))
    (ensemble,) = table.ensembles
    assert ensemble.path_ms == pytest.approx(40)
    assert any("stem version 1 had 3.00 requests for each one of ensemble" in note for note in table.notes)


def test_skipped_steps_and_cached_answers_count_by_their_share():
    cached = dataclasses.replace(
        counters(10, 20.3), cache_hit=Tally(5, 5 * MS // 10), cache_miss=Tally(5, 5 * MS // 10)
    )
    changes = {name: counters(5, ms) for name, ms in (("stem", 10), ("left", 20), ("right", 8), ("join", 10))}
    table = difference(snapshot(NOTHING), snapshot({"ensemble": cached, **changes}))
    (ensemble,) = table.ensembles
    assert [step.calls_per_request for step in ensemble.steps] == [0.5] * 4
    assert ensemble.path_ms == pytest.approx(20)
    assert ensemble.cache_ms == pytest.approx(0.1)
    assert ensemble.remainder_ms == pytest.approx(0.2)
    assert ensemble.adds_up
    assert (table.rows[0].cache_hits, table.rows[0].cache_misses) == (5, 5)


def test_the_newest_loaded_version_serves_a_step_that_pins_none():
    after = graph_counters(10)
    del after["right"]
    after |= {"right:2": counters(0, 0), "right:10": counters(10, 30)}
    before = {**NOTHING, "right:2": counters(0, 0), "right:10": counters(0, 0)}
    (ensemble,) = difference(snapshot(before), snapshot(after)).ensembles
    assert ensemble.steps[2].version == "10"
    assert ensemble.path_ms == pytest.approx(10 + 30 + 10)


def test_an_ensemble_within_an_ensemble_is_one_step_and_has_steps_of_its_own():
    inner, outer = ModelKey("inner", "1"), ModelKey("outer", "1")
    graphs = {
        inner: EnsembleGraph(steps=(EnsembleStep(model="stem", version="1", after=()),)),
        outer: EnsembleGraph(steps=(EnsembleStep(model="inner", version="1", after=()),)),
    }
    models = {"stem": counters(4, 10), "inner": counters(4, 10.2), "outer": counters(4, 10.4)}
    empty = {name: counters(0, 0) for name in models}
    table = difference(snapshot(empty, ensembles=graphs), snapshot(models, ensembles=graphs))
    assert [(row.model, row.ensemble) for row in table.rows] == [("outer", None), ("inner", "outer"), ("stem", "inner")]
    assert [ensemble.path_ms for ensemble in table.ensembles] == [pytest.approx(10.2), pytest.approx(10)]


def test_failures_are_counted_and_idle_models_are_left_out():
    failing = {**graph_counters(0), "ensemble": dataclasses.replace(counters(0, 0), fail=Tally(4, 8 * MS))}
    table = difference(snapshot(NOTHING), snapshot(failing))
    assert [(row.model, row.requests, row.failures) for row in table.rows] == [("ensemble", 0, 4)]
    assert table.ensembles[0].adds_up is None
