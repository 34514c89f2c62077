"""GrokNet, Table 2 and section 3.3: the losses together beat each of them alone."""

from collections.abc import Sequence

from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.embedder_arm import ALL_SETS, COMBINED, EmbedderArm, Loss, base_arm
from training.scorecard.embedder_comparison import compare_embedders, jobs_of_embedders, precision_of
from training.scorecard.embedder_crops import UNSEEN
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings


def _alone(plan: Plan, seed: int, loss: Loss) -> EmbedderArm:
    return base_arm(plan, seed, label=f"{loss} alone", losses=(loss,))


def _jobs(plan: Plan) -> Sequence[Job]:
    arms = [arm for seed in plan.seeds for arm in (base_arm(plan, seed), *(_alone(plan, seed, x) for x in COMBINED))]
    return jobs_of_embedders(arms)


def _conclude(plan: Plan, results: Results) -> Findings:
    together = [precision_of(results[base_arm(plan, seed).job().name]) for seed in plan.seeds]
    measurements = []
    for sets, what in ((ALL_SETS, f"mean of {len(ALL_SETS)} val sets"), ((UNSEEN,), UNSEEN)):
        for loss in COMBINED:
            alone = [precision_of(results[_alone(plan, seed, loss).job().name]) for seed in plan.seeds]
            measurements.append(
                compare_embedders(
                    together,
                    alone,
                    sets,
                    draws=plan.draws,
                    what=f"{what}, against {loss}",
                    names=("ArcFace, pairwise and softmax", f"{loss} alone"),
                    is_decisive=sets == ALL_SETS,
                )
            )
    return Findings(
        measurements=tuple(measurements),
        reason=(
            "All weights are 1 and were tuned for no side; the pairwise loss gives negatives 100 times the weight of "
            "positives, for batches of 96, instead of 10,000. Softmax alone teaches the embedding nothing, so its "
            "pooled features are judged: 768 dimensions, which ImageNet has taught already, instead of 400 that "
            "start from random numbers. A short training favours it."
        ),
    )


RELATION = Relation(
    name="combined_loss_over_each_alone",
    claim=Claim(
        sentence="ArcFace, the pairwise loss and softmax together find things better than each of them alone.",
        source="GrokNet (Facebook), Table 2, section 3.3 (relative to softmax alone)",
        figures=(
            PaperFigure(what="P@1 of ArcFace and softmax, against softmax alone", other=100.0, better=111.15),
            PaperFigure(what="the same, against multi-label ArcFace alone", other=98.16, better=111.15),
        ),
        unit="percent",
    ),
    setting=(
        "All sides train the last block of ImageNet's MobileNet, GeM and an embedding on the same crops of three small "
        "sets, in the same order; the paper's Table 2 has no pairwise loss, and weighs ArcFace 10 times."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
