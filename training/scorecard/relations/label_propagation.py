"""GenOD, Table 3: label propagation raises AP50 and above all wAP50."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.data.coco_photos import CocoPhotos
from training.data.roots import data_set_folder
from training.scorecard.claim import Claim, PaperFigure
from training.scorecard.federated_truth import expanded, in_taxonomy_ids, judged_detections, partly_verified
from training.scorecard.job import Job
from training.scorecard.paired_bootstrap import WeightsPerSet, paired_difference
from training.scorecard.photo_matches import Floats, PhotoMatches, match_photos
from training.scorecard.plan import Plan
from training.scorecard.relation import Relation, Results
from training.scorecard.relation_result import Findings, Measurement, measurement_of
from training.scorecard.served_detections import served_job
from training.scorecard.val_photos import val_truth
from training.taxonomy import Taxonomy, load_mapping_of, load_taxonomy

SET = "coco_mini"
DETECTIONS_PER_IMAGE = 300

CLAIM = Claim(
    sentence="Copying each detection to its ancestors in the taxonomy raises AP50, and wAP50 far more.",
    source="GenOD (Bing), Table 3, section 5.2.2",
    figures=(
        PaperFigure(what="AP50, M_base, OpenImagesV5 val", other=60.67, better=63.27),
        PaperFigure(what="wAP50, M_base, OpenImagesV5 val", other=51.34, better=61.65),
        PaperFigure(what="AP50, M_large, OpenImagesV5 val", other=61.57, better=64.44),
        PaperFigure(what="wAP50, M_large, OpenImagesV5 val", other=51.02, better=63.16),
    ),
    unit="percent",
)


def _jobs(plan: Plan) -> Sequence[Job]:
    return (served_job(SET, plan.val_photos_per_set),)


def _conclude(plan: Plan, results: Results) -> Findings:
    taxonomy = load_taxonomy()
    mapping = load_mapping_of(SET, taxonomy)
    photos = CocoPhotos(data_set_folder(SET), "val")
    category_id_of = {own: mapping.category_id(label) for label, own in photos.category_ids.items()}
    complete = in_taxonomy_ids(val_truth(photos, plan.val_photos_per_set), category_id_of, taxonomy)
    propagated = results[served_job(SET, plan.val_photos_per_set).name]
    original = [d for d in propagated if not d["is_propagated"]]
    everything = [(expanded(complete, taxonomy), propagated, original)]
    federated = []
    for seed in plan.seeds:
        part = partly_verified(complete, taxonomy, seed=seed)
        judged = [judged_detections(detections, part, taxonomy) for detections in (propagated, original)]
        federated.append((expanded(part, taxonomy), judged[0], judged[1]))
    own_classes = {taxonomy.name_of(category_id) for category_id in category_id_of.values()}
    measurements = [
        _compare(cases, what=f"{figure}, {protocol}", is_weighted=figure == "wAP50", draws=plan.draws)
        for protocol, cases in (("all classes verified", everything), ("federated", federated))
        for figure in ("AP50", "wAP50")
    ]
    above = _named_above(own_classes, complete, taxonomy)
    return Findings(
        measurements=tuple(measurements),
        reason=(
            f"Our detector has no classifier for the {above} ancestors among the judged classes, so without "
            "propagation each of them counts 0; the paper's model was also trained on boxes of ancestors, which is why "
            "it gains less. What is tested here is that the copies are right often enough, suppressed and ranked."
        ),
    )


def _compare(
    cases: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]],
    *,
    what: str,
    is_weighted: bool,
    draws: int,
) -> Measurement:
    def score(matches: Mapping[str, PhotoMatches], weights: WeightsPerSet) -> Floats:
        return matches[SET].AP50(weights[SET], integral="area", is_weighted=is_weighted)

    matched = [
        [{SET: match_photos(truth, side, detections_per_image=DETECTIONS_PER_IMAGE)} for side in (with_it, without)]
        for truth, with_it, without in cases
    ]
    difference = paired_difference([m[0] for m in matched], [m[1] for m in matched], score, draws=draws)
    # Nothing is trained here: what is random are the photos, and in federated evaluation what was verified.
    return measurement_of(difference, what=what, better="with label propagation", other="without", seeds_needed=1)


def _named_above(own_classes: set[str], truth: Mapping[str, Any], taxonomy: Taxonomy) -> int:
    judged = {a["category_id"] for a in expanded(truth, taxonomy)["annotations"]}
    return sum(taxonomy.name_of(category_id) not in own_classes for category_id in judged)


RELATION = Relation(
    name="table_3_label_propagation",
    claim=CLAIM,
    setting=(
        "The committed detector on coco_mini val in OpenImages' protocol, its objects copied to all ancestors in our "
        "taxonomy; once with every class verified on every photo, and federated: at each seed every present class is "
        "verified with chance 0.7 and every absent one with chance 0.2, the rest is not judged."
    ),
    jobs=_jobs,
    conclude=_conclude,
)
