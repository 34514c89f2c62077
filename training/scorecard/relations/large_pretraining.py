"""Shop The Look, section 6.2.1: a trunk that was pretrained on much finds better."""

from collections.abc import Sequence

from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.embedder_arm import files_of
from training.scorecard.embedder_comparison import measure_sets, precision_of
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings

SETS = ("grocery_store", "clothing_small")
SIDES = ("imagenet_arrays", "scratch")
CROPS_PER_STEP = 48
SECONDS_PER_CROP = 0.004


def _job(plan: Plan, seed: int, trunk_from: str) -> Job:
    return Job(
        name=f"embedder: whole trunk from {trunk_from}, seed {seed}",
        function="training.scorecard.train_whole_trunk:train_whole_trunk",
        arguments={
            "trunk_from": trunk_from,
            "sets": list(SETS),
            "steps": plan.whole_trunk_steps,
            "crops_per_step": CROPS_PER_STEP,
            "max_crops": plan.crops_per_set,
            "seed": seed,
        },
        reads=files_of(SETS),
        cost=plan.whole_trunk_steps * CROPS_PER_STEP * SECONDS_PER_CROP + 8,
        stage=2,
    )


def _jobs(plan: Plan) -> Sequence[Job]:
    return [_job(plan, seed, side) for seed in plan.seeds for side in SIDES]


def _conclude(plan: Plan, results: Results) -> Findings:
    pretrained, scratch = (
        [precision_of(results[_job(plan, seed, side).name]) for seed in plan.seeds] for side in SIDES
    )
    return Findings(
        measurements=measure_sets(
            pretrained, scratch, SETS, draws=plan.draws, names=("from ImageNet", "from random numbers")
        ),
        reason=(
            "Equal on both sides are the crops, their order, steps and learning rates. What it leaves out: a trunk "
            "from random numbers would need many times the steps to end where it can, and then the gap is smaller; "
            "ImageNet's million photos stand for the paper's billion; crops are of 64 pixels."
        ),
    )


RELATION = Relation(
    name="large_pretraining_over_none",
    claim=Claim(
        sentence="An embedder whose trunk was pretrained on much more data finds better.",
        source="Shop The Look (Pinterest), Table 5, section 6.2.1 (a larger trunk, pretrained on much more data)",
        figures=(PaperFigure(what="P@1, fashion retrieval", other=0.325, better=0.346),),
    ),
    setting=(
        "All of a MobileNet with its batch norms, trained for a short while on two small sets, once from ImageNet's "
        "weights and once from random numbers; the paper compares two pretrained trunks."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
