"""GenOD, Table 4: one unified model beats the models trained for each segment."""

from collections.abc import Sequence

from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.job import Job
from training.scorecard.merged_and_single import SEGMENTS, single, unified
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of(
        [arm for seed in plan.seeds for arm in (unified(plan, seed), *(single(plan, seed, n) for n in SEGMENTS))]
    )


def _conclude(plan: Plan, results: Results) -> Findings:
    of_unified = [matches_of(unified(plan, seed), results) for seed in plan.seeds]
    of_single = [
        {name: matches_of(single(plan, seed, name), results)[name] for name in SEGMENTS} for seed in plan.seeds
    ]
    measurements = [
        measurement_of(
            compare(of_unified, of_single, mean_over_sets(sets, is_weighted=True), draws=plan.draws),
            what=what,
            better="unified model",
            other="model of the segment",
            is_decisive=sets is SEGMENTS,
        )
        for sets, what in (
            (SEGMENTS, "wAP50, average of four segments"),
            *(((name,), f"wAP50, {name}") for name in SEGMENTS),
        )
    ]
    return Findings(
        measurements=tuple(measurements),
        reason=(
            "In the paper a segment's unified winner is FCOS and its segment model RetinaNet; RetinaNet against "
            "RetinaNet fashion loses (21.43 to 20.29) and home furnishing gains (27.93 to 32.02). Here both sides are "
            "FCOS. Only fruit shares its classes with another set; the others can gain by nothing but further photos "
            "of what they are not, and by layers in common that take as many steps as all segment models together."
        ),
    )


RELATION = Relation(
    name="table_4_unified_over_segments",
    claim=Claim(
        sentence="One model trained on all data beats models trained for each segment on their own part of it.",
        source="GenOD (Bing), Table 4, section 5.2.3",
        figures=(
            PaperFigure(what="wAP50, Bing-Fashion test, FCOS against RetinaNet", other=21.43, better=25.85),
            PaperFigure(what="wAP50, Bing-HF test, FCOS against RetinaNet", other=27.93, better=35.65),
            PaperFigure(what="wAP50, Bing-Fashion test, RetinaNet on both sides", other=21.43, better=20.29),
            PaperFigure(what="wAP50, Bing-HF test, RetinaNet on both sides", other=27.93, better=32.02),
        ),
        unit="percent",
    ),
    setting=(
        "Slim FCOS heads on the frozen served backbone: one over coco_mini and four segments, one for each segment; "
        "every photo is shown as often on both sides, what a set does not label is unknown on its photos."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
