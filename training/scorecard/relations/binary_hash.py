"""GrokNet, section 4.0.1: 256 bits find as well as the floats that they are made from."""

from collections.abc import Sequence

from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.embedder_arm import ALL_SETS, EmbedderArm, base_arm
from training.scorecard.embedder_comparison import jobs_of_embedders, measure_sets, precision_of
from training.scorecard.embedder_crops import UNSEEN
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings

ALLOWED_LOSS = 0.01
"""In precision at 1: "within a point"."""


def _arms(plan: Plan) -> list[EmbedderArm]:
    return [base_arm(plan, seed) for seed in plan.seeds]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of_embedders(_arms(plan))


def _conclude(plan: Plan, results: Results) -> Findings:
    trained = [results[arm.job().name] for arm in _arms(plan)]
    bits, floats = ([precision_of(result, side) for result in trained] for side in ("binary", "float"))
    return Findings(
        measurements=measure_sets(
            bits,
            floats,
            ALL_SETS,
            draws=plan.draws,
            names=("256 bits", "400 floats"),
            threshold=-ALLOWED_LOSS,
            beside=(UNSEEN,),
        ),
        reason=(
            f"Equal means that bits lose less than {ALLOWED_LOSS:.2f}: the difference must lie above that loss. Bits "
            "are a catalyzer's, learnt from the train crops' embeddings alone; where several items are equally many "
            "bits away, each counts its share."
        ),
    )


RELATION = Relation(
    name="binary_equals_float",
    claim=Claim(
        sentence="Hashed from 400 floats to 256 bits, the embedding finds products as well as before, within a point.",
        source="GrokNet (Facebook), section 4.0.1, figure 9",
        figures=(PaperFigure(what="P@1, Furniture test set (floats, bits)", other=40.1, better=40.3),),
        unit="percent",
    ),
    setting=(
        "The last block of ImageNet's MobileNet, GeM, an embedding of 400 and three losses, trained on three small "
        "sets together, on frozen features of crops of 160 pixels; the paper trains ResNeXt-101 on seven large sets."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
