"""Every relation on made-up results: that they can be read, not what they say."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.scorecard.random_detections import random_detections, random_truth
from training.scorecard.arm import Arm, arm_of
from training.scorecard.embedder_crops import UNSEEN
from training.scorecard.errors import ScorecardError
from training.scorecard.plan import FULL, QUICK
from training.scorecard.relations.registry import RELATIONS, relations_named
from training.scorecard.verdict import Verdict

EMBEDDER_RELATIONS = relations_named(
    [
        "binary_equals_float",
        "gem_over_average_pooling",
        "combined_loss_over_each_alone",
        "unified_over_specialised_embeddings",
        "large_pretraining_over_none",
    ]
)
WITHOUT_ARMS = ("table_3_label_propagation", "table_5_latency", *(r.name for r in EMBEDDER_RELATIONS))
ARM_RELATIONS = tuple(r for r in RELATIONS if r.name not in WITHOUT_ARMS)
QUERIES_OF_SET = {"grocery_store": 12, "clothing_small": 8, "coco_mini": 9}


def made_up(job: Any) -> Any:
    if job.name.startswith("val photos of"):
        return random_truth(len(job.name), photos=8, classes=2)
    if job.name.startswith("served detections"):
        truth = random_truth(len(f"val photos of {job.arguments['data_set']}"), photos=8, classes=2)
        return [{**d, "is_propagated": False} for d in random_detections(truth, 1)]
    if job.function.endswith("train_arm"):
        found = {}
        for name in job.arguments["arm"]["val_sets"]:
            truth = random_truth(len(f"val photos of {name}"), photos=8, classes=2)
            found[name] = random_detections(truth, job.arguments["arm"]["seed"])
        counts = {"cat": 3, "dog": 30}
        return {"detections": found, "boxes_before": counts, "boxes_after": counts, "training_s": 1.0}
    return 1


@pytest.mark.parametrize("relation", ARM_RELATIONS, ids=lambda r: r.name)
def test_a_relation_of_arms_reads_its_jobs_results(relation, genod_data) -> None:
    plan = replace(QUICK, draws=20)
    results = {job.name: made_up(job) for job in relation.jobs(plan)}

    findings = relation.conclude(plan, results)

    decisive = [m for m in findings.measurements if m.is_decisive]
    assert decisive
    assert all(len(m.better_per_seed) == len(plan.seeds) for m in findings.measurements)
    assert findings.verdict in (Verdict.HOLDS, Verdict.DOES_NOT_HOLD, Verdict.UNDECIDED)


def made_up_embedder(job: Any, chance: float = 0.5) -> dict[str, Any]:
    """Precision of random queries, at most of one or two sets, as a training would return it."""
    sets = list(job.arguments["arm"]["sets"] if "arm" in job.arguments else job.arguments["sets"])
    counts = {name: QUERIES_OF_SET[name] for name in sets}
    if "grocery_store" in counts:
        counts[UNSEEN] = 20
    generator = np.random.default_rng(len(job.name))
    sides = ("float", "binary") if job.arguments.get("arm", {}).get("is_hashed") else ("float",)
    found = {
        n: {side: (generator.random(k) < chance).astype(float).tolist() for side in sides} for n, k in counts.items()
    }
    return {"precision_at_1": found, "power": 3.1, "training_s": 1.0}


@pytest.mark.parametrize("relation", EMBEDDER_RELATIONS, ids=lambda r: r.name)
def test_a_relation_of_embedders_reads_its_jobs_results(relation, genod_data) -> None:
    plan = replace(QUICK, draws=20)
    results = {job.name: made_up_embedder(job) for job in relation.jobs(plan) if job.stage == 2}

    findings = relation.conclude(plan, results)

    decisive = [m for m in findings.measurements if m.is_decisive]
    assert len(decisive) == (3 if relation.name == "combined_loss_over_each_alone" else 1)
    assert all(len(m.better_per_seed) == len(plan.seeds) and m.unit == " P@1" for m in findings.measurements)
    assert findings.verdict in (Verdict.HOLDS, Verdict.DOES_NOT_HOLD, Verdict.UNDECIDED)


@pytest.mark.parametrize("relation", EMBEDDER_RELATIONS, ids=lambda r: r.name)
def test_the_two_sides_of_embedders_have_the_same_budget(relation, genod_data) -> None:
    by_seed: dict[int, list[dict[str, Any]]] = {}
    for job in relation.jobs(FULL):
        if job.stage == 2:
            arguments = dict(job.arguments.get("arm", job.arguments))
            by_seed.setdefault(arguments["seed"], []).append(arguments)

    assert set(by_seed) == set(FULL.seeds)
    for of_seed in by_seed.values():
        assert len({(a["steps"], a.get("views"), a["max_crops"], a.get("crops_per_step")) for a in of_seed}) == 1
        differing = {key for a in of_seed for key in a if a[key] != of_seed[0][key]}
        assert len(differing - {"label", "is_hashed"}) <= 1


def test_bits_may_lose_a_point_and_no_more(genod_data) -> None:
    (relation,) = relations_named(["binary_equals_float"])
    jobs = [job for job in relation.jobs(QUICK) if job.stage == 2]

    def verdict_when_bits_lose(share: float) -> Verdict:
        results = {}
        for job in jobs:
            result = made_up_embedder(job, chance=0.8)
            for values in result["precision_at_1"].values():
                values["binary"] = [value - share for value in values["float"]]
            results[job.name] = result
        return relation.conclude(QUICK, results).verdict

    assert verdict_when_bits_lose(0.005) is Verdict.HOLDS
    assert verdict_when_bits_lose(0.02) is Verdict.DOES_NOT_HOLD


@pytest.mark.parametrize("relation", ARM_RELATIONS, ids=lambda r: r.name)
@pytest.mark.parametrize("plan", [QUICK, FULL], ids=["quick", "full"])
def test_the_two_sides_of_a_relation_have_the_same_budget(relation, plan, genod_data) -> None:
    arms = [arm_of(job.arguments["arm"]) for job in relation.jobs(plan) if job.function.endswith("train_arm")]
    by_seed: dict[int, list[Arm]] = {}
    for arm in arms:
        by_seed.setdefault(arm.seed, []).append(arm)

    assert set(by_seed) == set(plan.seeds)
    for of_seed in by_seed.values():
        if relation.name in ("table_4_unified_over_segments", "merging_the_demo_sets"):
            shown_of_unified = next(a.photos_per_epoch for a in of_seed if len(a.sets) > 1)
            alone = {a.sets: a.photos_per_epoch for a in of_seed if len(a.sets) == 1}
            assert sum(alone.values()) <= shown_of_unified
        else:
            assert len({a.photos_per_epoch for a in of_seed}) == 1
        assert len({(a.epochs, a.cached_views) for a in of_seed}) == 1


def test_an_arm_survives_the_way_through_a_job(genod_data) -> None:
    (relation,) = relations_named(["figure_4_tail_sampling"])
    for job in relation.jobs(QUICK):
        if job.function.endswith("train_arm"):
            assert arm_of(job.arguments["arm"]).job() == job


def test_latency_is_read_round_by_round() -> None:
    (relation,) = relations_named(["table_5_latency"])
    generator = np.random.default_rng(0)

    def rows(fcos_growth: float) -> dict[str, Any]:
        def row(few: float, growth: float) -> dict[str, Any]:
            rounds = few * generator.uniform(0.98, 1.02, 15)
            of_few, of_many = [round(v, 2) for v in rounds], [round(v * growth, 2) for v in rounds]
            return {
                "ms_per_round": {"80": of_few, "900": of_many},
                "median_ms": {"80": of_few[0], "900": of_many[0]},
            }

        return {
            "FCOS, ResNet-50": row(270, fcos_growth),
            "RetinaNet, ResNet-50": row(600, 2.4),
            "FCOS, small": row(60, 1.05),
        }

    name = "latency over the number of classes"
    held = relation.conclude(QUICK, {name: rows(1.05)})
    assert held.verdict is Verdict.HOLDS
    assert held.measurements[0].better_per_seed[0] == pytest.approx(1.05, abs=1e-3)
    assert held.measurements[0].other_per_seed[0] == pytest.approx(2.4, abs=1e-3)
    assert relation.conclude(QUICK, {name: rows(1.2)}).verdict is Verdict.DOES_NOT_HOLD


def test_names_are_known_and_wrong_ones_are_answered_with_the_right_ones() -> None:
    names = [relation.name for relation in RELATIONS]
    assert len(set(names)) == len(names)
    assert [r.name for r in relations_named([names[2], names[0]])] == [names[0], names[2]]
    with pytest.raises(ScorecardError, match="table_2_fcos_over_retinanet"):
        relations_named(["table_9"])


def test_the_guide_names_every_relation_and_no_other(repo_root: Path) -> None:
    guide = (repo_root / "docs" / "SCORECARD.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", guide, flags=re.MULTILINE)
    assert sorted(listed) == sorted(relation.name for relation in RELATIONS)


def test_the_papers_figures_stand_in_the_claims(repo_root: Path) -> None:
    by_name = {relation.name: relation.claim for relation in RELATIONS}
    table_2 = {(f.other, f.better) for f in by_name["table_2_fcos_over_retinanet"].figures}
    assert {(44.88, 52.36), (46.30, 55.01)} <= table_2
    table_3 = {(f.other, f.better) for f in by_name["table_3_label_propagation"].figures}
    assert {(60.67, 63.27), (51.34, 61.65), (61.57, 64.44), (51.02, 63.16)} == table_3
