"""GenOD, Table 2: FCOS beats RetinaNet at equal budget."""

from collections.abc import Sequence

from training.scorecard.arm import Arm
from training.scorecard.arm_comparison import compare, jobs_of, matches_of, mean_over_sets
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.four_sets import FOUR_SETS, head_on_four_sets
from training.scorecard.job import Job
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, measurement_of


def _arms(plan: Plan) -> list[tuple[Arm, Arm]]:
    return [
        (
            head_on_four_sets(plan, seed),
            head_on_four_sets(plan, seed, label="RetinaNet on four sets", detector="retinanet", val_sets=FOUR_SETS),
        )
        for seed in plan.seeds
    ]


def _jobs(plan: Plan) -> Sequence[Job]:
    return jobs_of([arm for pair in _arms(plan) for arm in pair])


def _conclude(plan: Plan, results: Results) -> Findings:
    arms = _arms(plan)
    fcos, retinanet = ([matches_of(pair[side], results) for pair in arms] for side in (0, 1))
    averages = [
        measurement_of(
            compare(fcos, retinanet, mean_over_sets(FOUR_SETS, is_weighted=is_weighted), draws=plan.draws),
            what=f"{figure}, average of four sets",
            better="FCOS",
            other="RetinaNet",
        )
        for figure, is_weighted in (("AP50", False), ("wAP50", True))
    ]
    per_set = [
        measurement_of(
            compare(fcos, retinanet, mean_over_sets((name,)), draws=plan.draws),
            what=f"AP50, {name}",
            better="FCOS",
            other="RetinaNet",
            is_decisive=False,
        )
        for name in FOUR_SETS
    ]
    seconds = [[results[pair[side].job().name]["training_s"] for pair in arms] for side in (0, 1)]
    slower = sum(seconds[1]) / max(sum(seconds[0]), 1e-9)
    return Findings(
        measurements=(*averages, *per_set),
        reason=(
            f"Equal budget means the same photos in the same order, as often; RetinaNet took {slower:.1f} times the "
            "seconds for it. Both take the same learning rate, tuned for neither. The frozen backbone was trained "
            "under an anchor-free head, which may favour FCOS."
        ),
        details={"training_s": {"FCOS": seconds[0], "RetinaNet": seconds[1]}},
    )


RELATION = Relation(
    name="table_2_fcos_over_retinanet",
    claim=Claim(
        sentence="Trained on the same data for as long, FCOS detects better than RetinaNet.",
        source="GenOD (Bing), Table 2, section 5.2.1",
        figures=(
            PaperFigure(what="AP50, average of four val sets", other=44.88, better=52.36),
            PaperFigure(what="wAP50, average of four val sets", other=46.30, better=55.01),
            PaperFigure(what="AP50, COCO 2017", other=46.44, better=54.95),
            PaperFigure(what="AP50, OpenImagesV5", other=53.63, better=60.67),
            PaperFigure(what="AP50, Bing-Fashion val", other=37.27, better=41.01),
            PaperFigure(what="AP50, Bing-HF val", other=42.16, better=52.82),
        ),
        unit="percent",
    ),
    setting=(
        "Slim heads with equal towers, from random numbers, on the served backbone, which is frozen; four small sets "
        "merged; the paper trains ResNet-101 with FPN end to end, FCOS with deformable convolutions."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
