"""Pinterest's unified embedding: one embedding for all sets beats one for each of them."""

from collections.abc import Sequence

from training.scorecard.claim import Claim
from training.scorecard.embedder_arm import ALL_SETS, EmbedderArm, base_arm
from training.scorecard.embedder_comparison import Judged, jobs_of_embedders, measure_sets, precision_of
from training.scorecard.embedder_crops import UNSEEN
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings


def _specialised(plan: Plan, seed: int, name: str) -> EmbedderArm:
    return base_arm(plan, seed, label=f"{name} alone", sets=(name,))


def _jobs(plan: Plan) -> Sequence[Job]:
    arms = [
        arm
        for seed in plan.seeds
        for arm in (base_arm(plan, seed), *(_specialised(plan, seed, name) for name in ALL_SETS))
    ]
    return jobs_of_embedders(arms)


def _conclude(plan: Plan, results: Results) -> Findings:
    unified = [precision_of(results[base_arm(plan, seed).job().name]) for seed in plan.seeds]
    specialised: list[Judged] = []
    for seed in plan.seeds:
        of_seed = [precision_of(results[_specialised(plan, seed, name).job().name]) for name in ALL_SETS]
        specialised.append({name: judged for of_set in of_seed for name, judged in of_set.items()})
    return Findings(
        measurements=measure_sets(
            unified,
            specialised,
            ALL_SETS,
            draws=plan.draws,
            names=("one for all sets", "one for each set"),
            beside=(UNSEEN,),
        ),
        reason=(
            "A step shows both sides equally many crops of each set, so all specialised embedders together cost what "
            "the unified one costs, and have three times its trained weights. Groceries, clothes and COCO's objects "
            "have less to teach each other than the paper's tasks over one collection of photos."
        ),
    )


RELATION = Relation(
    name="unified_over_specialised_embeddings",
    claim=Claim(
        sentence="One embedding trained on all sets together beats the specialised ones, each on its own set.",
        source="Learning a Unified Embedding for Visual Search at Pinterest, abstract (no figures in the text at hand)",
        figures=(),
    ),
    setting=(
        "Groceries by fine class, clothes by type and boxes of COCO by class: one small embedder for the three, and "
        "one for each, on frozen features of ImageNet's MobileNet."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
