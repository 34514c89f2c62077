"""Shop The Look, section 5.1.3, and GenOD, section 5.2: training on photos of many sizes makes robust to scale."""

from collections.abc import Sequence

from training.scorecard.arm import Arm
from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.four_sets import FOUR_SETS, SMALLER, head_on_four_sets
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of


def _arms(plan: Plan) -> list[tuple[Arm, Arm]]:
    return [
        (
            head_on_four_sets(plan, seed),
            head_on_four_sets(
                plan,
                seed,
                label="FCOS on four sets, single scale",
                shorter_side_range_px=(400, 400),
                val_sets=(*FOUR_SETS, *SMALLER),
            ),
        )
        for seed in plan.seeds
    ]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of([arm for pair in _arms(plan) for arm in pair])


def _conclude(plan: Plan, results: Results) -> Findings:
    arms = _arms(plan)
    multi, single = ([matches_of(pair[side], results) for pair in arms] for side in (0, 1))
    cases = (
        ((*FOUR_SETS, *SMALLER), "AP50, average over photos at full size and at 60 %", True),
        (FOUR_SETS, "AP50, photos at full size", False),
        (SMALLER, "AP50, the same photos at 60 % of it", False),
    )
    measurements = [
        measurement_of(
            compare(multi, single, mean_over_sets(sets), draws=plan.draws),
            what=what,
            better="shorter side 300 to 500 px",
            other="always 400 px",
            is_decisive=is_decisive,
        )
        for sets, what, is_decisive in cases
    ]
    return Findings(
        measurements=tuple(measurements),
        reason=(
            "Only the head is trained on the views: the frozen backbone has met many scales before, so less can be "
            "gained than where all layers learn. The paper's figures also contain a clean-up of fashion labels, to "
            "which it ascribes little, its test sets being home decor."
        ),
    )


RELATION = Relation(
    name="multi_scale_training",
    claim=Claim(
        sentence="Training on randomly resized photos raises AP when objects come at different scales.",
        source="Shop The Look (Pinterest), Table 2, section 5.1.3 (+MUL +CLN over +FPN); setting of GenOD, 5.2",
        figures=(
            PaperFigure(what="mAP, scene images", other=0.373, better=0.444),
            PaperFigure(what="mAP, single-product images", other=0.131, better=0.265),
        ),
        unit="mAP",
    ),
    setting=(
        "Slim FCOS heads on the frozen served backbone and four small sets; one side's random views have a shorter "
        "side of 300 to 500 px as in GenOD, the other's always 400; flips and colours are the same. Judged on val "
        "photos as they are and shrunk to 60 %."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
