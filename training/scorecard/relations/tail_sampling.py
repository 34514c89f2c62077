"""GenOD, Figure 4: class-aware upsampling balances the classes, so that rare ones are learned."""

from collections.abc import Sequence

from training.scorecard.arm import Arm
from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim
from training.scorecard.four_sets import FOUR_SETS, head_on_four_sets, num_train_photos
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of

TAIL_SETS = ("playing_cards", "microcontrollers")
HEAD_SETS = ("fruit", "raccoon")


def _arms(plan: Plan) -> list[tuple[Arm, Arm]]:
    limits = {name: plan.tail_photos_per_set for name in TAIL_SETS}
    photos = sum(limits.values()) + sum(num_train_photos(plan, name) for name in HEAD_SETS)
    shared = {"max_photos_by_set": limits, "photos_per_epoch": plan.rounds_per_epoch * photos, "val_sets": FOUR_SETS}
    return [
        (
            head_on_four_sets(
                plan,
                seed,
                label="long tail, class-aware upsampling",
                min_boxes_per_class=plan.min_boxes_per_class,
                **shared,
            ),
            head_on_four_sets(plan, seed, label="long tail as it is", **shared),
        )
        for seed in plan.seeds
    ]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of([arm for pair in _arms(plan) for arm in pair])


def _conclude(plan: Plan, results: Results) -> Findings:
    arms = _arms(plan)
    sampled, plain = ([matches_of(pair[side], results) for pair in arms] for side in (0, 1))
    measurements = [
        measurement_of(
            compare(sampled, plain, mean_over_sets(sets), draws=plan.draws),
            what=what,
            better="with class-aware upsampling",
            other="without",
            is_decisive=sets is TAIL_SETS,
        )
        for sets, what in ((TAIL_SETS, "AP50 of the ten tail classes"), (HEAD_SETS, "AP50 of the four head classes"))
    ]
    first = results[arms[0][0].job().name]
    return Findings(
        measurements=tuple(measurements),
        reason=(
            f"Both sides see as many photos; the upsampled side shows the tail's photos more often (N_min = "
            f"{plan.min_boxes_per_class}) and the others less. The paper's figure shows counts of boxes, ours beside."
        ),
        details={"boxes_before": first["boxes_before"], "boxes_after": first["boxes_after"]},
    )


RELATION = Relation(
    name="figure_4_tail_sampling",
    claim=Claim(
        sentence="Upsampling offline until every class has N_min boxes helps the tail classes.",
        source="GenOD (Bing), Figure 4, section 4.1 (a plot of counts; no AP is given; N_min = 2000)",
        figures=(),
    ),
    setting=(
        "The four small sets with a tail made by keeping few photos of playing_cards and microcontrollers, the same "
        "ones at every seed; the tail's val photos are all there, so that its AP can be seen."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
