"""GrokNet, section 3.2.1: GeM pooling beats average pooling."""

from collections.abc import Sequence

from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.embedder_arm import ALL_SETS, EmbedderArm, base_arm
from training.scorecard.embedder_comparison import jobs_of_embedders, measure_sets, precision_of
from training.scorecard.embedder_crops import UNSEEN
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings


def _arms(plan: Plan) -> list[tuple[EmbedderArm, EmbedderArm]]:
    return [
        (base_arm(plan, seed), base_arm(plan, seed, label="average pooling", pooling="average")) for seed in plan.seeds
    ]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of_embedders([arm for pair in _arms(plan) for arm in pair])


def _conclude(plan: Plan, results: Results) -> Findings:
    arms = _arms(plan)
    gem, average = ([precision_of(results[pair[side].job().name]) for pair in arms] for side in (0, 1))
    powers = ", ".join(f"{results[pair[0].job().name]['power']:.2f}" for pair in arms)
    return Findings(
        measurements=measure_sets(
            gem, average, ALL_SETS, draws=plan.draws, names=("GeM", "average pooling"), beside=(UNSEEN,)
        ),
        reason=(
            f"The learnt powers are {powers}, from 3.00 on; the paper's ended near 3. ImageNet taught the trunk under "
            "average pooling, and maps of 5 x 5 cells leave GeM less to choose from than the paper's."
        ),
    )


RELATION = Relation(
    name="gem_over_average_pooling",
    claim=Claim(
        sentence="Generalised mean pooling with a learned power finds products better than average pooling.",
        source="GrokNet (Facebook), section 3.2.1 (26 % better, relative)",
        figures=(PaperFigure(what="P@1 relative to average pooling, one data set", other=100.0, better=126.0),),
        unit="percent",
    ),
    setting=(
        "Both sides train the last block of ImageNet's MobileNet and an embedding on the same crops of three small "
        "sets, in the same order, by the same three losses; they differ in the pooling alone."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
