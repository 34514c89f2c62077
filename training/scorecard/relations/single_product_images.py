"""Shop The Look, section 5.1.1 and appendix A.2: pictures of single products in training help on such pictures."""

from collections.abc import Sequence

from training.scorecard.arm import Arm
from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.four_sets import FOUR_SETS, head_on_four_sets, products
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of


def _arms(plan: Plan) -> list[tuple[Arm, Arm]]:
    return [
        (
            head_on_four_sets(
                plan,
                seed,
                label="FCOS on four sets and single products",
                sets=(*FOUR_SETS, *products(plan)),
                val_sets=(*FOUR_SETS, *products(plan)),
            ),
            head_on_four_sets(plan, seed),
        )
        for seed in plan.seeds
    ]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of([arm for pair in _arms(plan) for arm in pair])


def _conclude(plan: Plan, results: Results) -> Findings:
    arms = _arms(plan)
    added, scenes = ([matches_of(pair[side], results) for pair in arms] for side in (0, 1))
    measurements = [
        measurement_of(
            compare(added, scenes, mean_over_sets(sets), draws=plan.draws),
            what=what,
            better="with single-product images",
            other="scenes alone",
            is_decisive=sets is not FOUR_SETS,
        )
        for sets, what in ((products(plan), "AP50, single-product images"), (FOUR_SETS, "AP50, scene images"))
    ]
    return Findings(
        measurements=tuple(measurements),
        reason=(
            "Both sides see as many photos, so each scene is seen about half as often where products are added; the "
            "paper's scenes lose a little too (0.285 to 0.276). Our products are objects cut out of the same photos."
        ),
    )


RELATION = Relation(
    name="single_product_images",
    claim=Claim(
        sentence="Adding weakly labelled pictures of single products raises AP on such pictures, scenes hardly move.",
        source="Shop The Look (Pinterest), Table 2, section 5.1.1, appendix A.2 (+SPI over the baseline)",
        figures=(
            PaperFigure(what="mAP, single-product images", other=0.102, better=0.154),
            PaperFigure(what="mAP, scene images", other=0.285, better=0.276),
        ),
        unit="mAP",
    ),
    setting=(
        "Pictures made by algorithm 1 from objects cut out of the train photos and laid on white: box from the served "
        "detector, kept if it covers 0.8 of the picture, no more of a category than the scenes hold; the val photos' "
        "objects, with their true boxes, are the single-product test set."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
