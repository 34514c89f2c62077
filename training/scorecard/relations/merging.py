"""What merging the demo's sets into one model cost or gave each of them."""

from collections.abc import Sequence

from training.engine.recipe import Recipe
from training.scorecard.arm import DEMO_RECIPE, truth_job
from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.errors import RelationFailed
from training.scorecard.job import Job
from training.scorecard.merged_and_single import ALL_SETS, single, unified
from training.scorecard.photo_matches import match_photos
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of
from training.scorecard.served_detections import served_job

ALLOWED_LOSS = 0.02
"""In AP50, on average: what a merged model may cost and still be "as good"."""


def demo_sets() -> tuple[str, ...]:
    """Return the sets that the demo's recipe merges.

    Raises:
        RelationFailed: it merges others than this relation trains on.
    """
    sets = tuple(Recipe.load(DEMO_RECIPE).data_sets)
    if not sets or not set(sets) <= set(ALL_SETS):
        raise RelationFailed(
            f"{DEMO_RECIPE.name} merges {', '.join(sets) or 'nothing'}; this relation knows {', '.join(ALL_SETS)}: add "
            "the new sets to training/scorecard/merged_and_single.py"
        )
    return sets


def _jobs(plan: Plan) -> Sequence[Job]:
    sets = demo_sets()
    arms = [arm for seed in plan.seeds for arm in (unified(plan, seed), *(single(plan, seed, n) for n in sets))]
    return [*jobs_of(arms), *(served_job(name, plan.val_photos_per_set) for name in sets)]


def _conclude(plan: Plan, results: Results) -> Findings:
    sets = demo_sets()
    merged = [matches_of(unified(plan, seed), results) for seed in plan.seeds]
    alone = [{name: matches_of(single(plan, seed, name), results)[name] for name in sets} for seed in plan.seeds]
    measurements = [
        measurement_of(
            compare(merged, alone, mean_over_sets(of_case), draws=plan.draws),
            what=what,
            better="merged",
            other="each set alone",
            threshold=threshold,
            is_decisive=of_case is sets,
        )
        for of_case, what, threshold in (
            (sets, f"AP50, average of the demo's {len(sets)} sets", -ALLOWED_LOSS),
            *(((name,), f"AP50, {name}", 0.0) for name in sets),
        )
    ]
    gains = {m.what.removeprefix("AP50, "): m.mean_difference for m in measurements[1:]}
    told = ", ".join(f"{name} {gain:+.3f}" for name, gain in gains.items())
    served = {name: _served_AP50(name, plan, results) for name in sets}
    told_served = ", ".join(f"{name} {'not served' if ap is None else f'{ap:.3f}'}" for name, ap in served.items())
    return Findings(
        measurements=tuple(measurements),
        reason=(
            f"What merging gave each set, in AP50: {told}. A gain or loss is real where its interval leaves out 0. "
            "Every photo is shown as often to both sides, so the layers in common take as many steps as all heads of "
            "one set together, which in short runs helps the merged one. The committed model, all layers trained for "
            f"long, reaches on the same photos: {told_served}."
        ),
        details={"gain_per_set": gains, "served_AP50": served},
    )


def _served_AP50(set_name: str, plan: Plan, results: Results) -> float | None:
    """AP50 of what is served; None where it never answers with a category of the set."""
    truth = results[truth_job(set_name)]
    categories = {category["id"] for category in truth["categories"]}
    found = results[served_job(set_name, plan.val_photos_per_set).name]
    detections = [d for d in found if not d["is_propagated"] and d["category_id"] in categories]
    return float(match_photos(truth, detections).AP50()[0]) if detections else None


RELATION = Relation(
    name="merging_the_demo_sets",
    claim=Claim(
        sentence=f"Merging costs the sets of recipes/demo.yaml no more than {ALLOWED_LOSS} AP50 on average.",
        source="our question to GenOD (Bing), section 4.1; its nearest figures are Table 4's RetinaNet rows",
        figures=(
            PaperFigure(what="wAP50, Bing-Fashion test, merged against alone", other=21.43, better=20.29),
            PaperFigure(what="wAP50, Bing-HF test, merged against alone", other=27.93, better=32.02),
        ),
        unit="percent",
    ),
    setting=(
        "The heads of Table 4's relation, here on all sets of the demo, coco_mini included: the merged head against "
        "heads of one set each, every photo shown as often, backbone frozen. The demo's recipe also trains the "
        "backbone, which would take hours to repeat for each set alone."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
