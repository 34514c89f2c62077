"""GenOD, Table 5: with more classes RetinaNet becomes slow, FCOS does not."""

from collections.abc import Sequence

import numpy as np

from training.data.roots import REPOSITORY_ROOT
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.job import Job
from training.scorecard.photo_matches import Floats
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, Measurement
from training.scorecard.verdict import decide

JOB = "latency over the number of classes"
FCOS, RETINANET, SMALL = "FCOS, ResNet-50", "RetinaNet, ResNet-50", "FCOS, small"
ALLOWED_GROWTH = 1.08
"""Of FCOS from the fewest classes to the most: what "remains stable" means here; the paper's is 49.4 / 46.9 = 1.05."""


def _jobs(plan: Plan) -> Sequence[Job]:
    recipes = REPOSITORY_ROOT / "recipes"
    return (
        Job(
            name=JOB,
            function="training.scorecard.class_latency:measure_class_latency",
            arguments={"class_counts": list(plan.latency_class_counts), "rounds": plan.latency_repeats},
            reads=(recipes / "demo.yaml", recipes / "paper"),
            cost=180,
            stage=0,
            is_alone=True,
        ),
    )


def _conclude(plan: Plan, results: Results) -> Findings:
    rows = results[JOB]
    few, many = (str(count) for count in (plan.latency_class_counts[0], plan.latency_class_counts[-1]))
    per_round = {(name, count): np.array(rows[name]["ms_per_round"][count]) for name in rows for count in (few, many)}
    growth = {name: per_round[name, many] / per_round[name, few] for name in (FCOS, RETINANET, SMALL)}
    ones = np.ones(len(growth[FCOS]))
    measurements = (
        _ratio(f"growth from {few} to {many} classes", growth[FCOS], growth[RETINANET], plan),
        _ratio(f"latency at {many} classes, FCOS = 1", ones, per_round[RETINANET, many] / per_round[FCOS, many], plan),
        _ratio(
            f"latency at {few} classes, FCOS = 1",
            ones,
            per_round[RETINANET, few] / per_round[FCOS, few],
            plan,
            is_decisive=False,
        ),
        *(
            _ratio(f"{name}: growth against the {ALLOWED_GROWTH} allowed", growth[name], ALLOWED_GROWTH * ones, plan)
            for name in (FCOS, SMALL)
        ),
    )
    told = ", ".join(f"{name} {' / '.join(f'{ms:.0f}' for ms in rows[name]['median_ms'].values())} ms" for name in rows)
    return Findings(
        measurements=measurements,
        reason=(
            f"Medians of {len(ones)} rounds in which all ran in turn: {told}. On a processor, batch 1; the paper's is "
            "a V100. The interval covers the rounds, and there are no seeds: nothing is trained."
        ),
        details={"latency_ms": {name: rows[name]["median_ms"] for name in rows}},
    )


def _ratio(what: str, better: Floats, other: Floats, plan: Plan, *, is_decisive: bool = True) -> Measurement:
    """Compare two ratios of times, round by round; the smaller one is better."""
    generator = np.random.default_rng(0)
    drawn = generator.integers(len(better), size=(plan.draws, len(better)))
    low, high = np.percentile(np.median((other - better)[drawn], axis=1), (2.5, 97.5))
    difference = float(np.median(other - better))
    of_better = float(np.median(better))
    return Measurement(
        what=what,
        better="FCOS",
        other="RetinaNet, or the limit",
        better_per_seed=(of_better,),
        # So that the difference of the two is the median of the differences.
        other_per_seed=(of_better + difference,),
        interval=(float(low), float(high)),
        decision=decide([difference], (float(low), float(high)), seeds_needed=1),
        is_lower_better=True,
        unit="x",
        is_decisive=is_decisive,
    )


RELATION = Relation(
    name="table_5_latency",
    claim=Claim(
        sentence="From 80 to 900 classes RetinaNet becomes some three times slower while FCOS stays as it is.",
        source="GenOD (Bing), Table 5, section 5.2.4 (RetinaNet 65.76 to 193.4 ms, FCOS 46.9 to 49.4 ms)",
        figures=(
            PaperFigure(what="growth from 80 to about 900 classes", other=2.94, better=1.05),
            PaperFigure(what="latency at about 900 classes, FCOS = 1", other=3.9, better=1.0),
            PaperFigure(what="latency at 80 classes, FCOS = 1", other=1.4, better=1.0),
        ),
        unit="x",
    ),
    setting=(
        "Backbone and head exported to ONNX with random weights, 416x672 pixels, ONNX Runtime on this machine's "
        "processor: the paper's recipe with ResNet-50 in place of 101, and the demo's small one."
    ),
    jobs=_jobs,
    conclude=_conclude,
    is_seeded=False,
)
