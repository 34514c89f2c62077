"""An ensemble for an audience that wants some heads only: the same backbone and models, without the other heads' cost.

# ensembles/wiring/detect_generic.py
ENSEMBLE = audience_of("detect_generic", heads=("head_generic",))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ensembles.errors import WiringMalformed
from ensembles.graph import Ensemble, Step
from ensembles.wiring.detect import ENSEMBLE as DETECT

HEAD_TENSORS = ("locations", "distances", "scores", "class_ids")
"""What every head gives and label propagation takes."""
_HEAD_PREFIX = "head_"
_JOIN = "label_propagation"


def audience_of(name: str, heads: Sequence[str], everything: Ensemble = DETECT) -> Ensemble:
    """The ensemble of all heads, reduced to some.

    Label propagation has inputs for every head. Those of a head that is left out get the candidates of the first head
    again: a box that comes twice suppresses its copy, so the answer is that of the heads that are there. Nothing has to
    be exported, and no model is loaded a second time. Classes which an absent head took over from the first one are the
    first one's again in this ensemble, since nobody else here answers for them.

    Args:
        name: of the new ensemble, and of its wiring's file.
        heads: at least one head of `everything`.
        everything: an ensemble with all heads.

    Raises:
        WiringMalformed: a head is unknown, or there is none.
    """
    known = [step.model for step in everything.steps if step.model.startswith(_HEAD_PREFIX)]
    unknown = [head for head in heads if head not in known]
    if unknown or not heads:
        raise WiringMalformed(
            f"ensemble {name}: expected at least one head of {', '.join(known)}; received {', '.join(heads) or 'none'}"
        )
    absent = [head for head in known if head not in heads]
    stand_ins = {f"{head}_{tensor}": f"{heads[0]}_{tensor}" for head in absent for tensor in HEAD_TENSORS}

    def reduced(step: Step) -> Step:
        return replace(step, inputs={**step.inputs, **stand_ins}) if step.model == _JOIN else step

    return replace(
        everything, name=name, steps=tuple(reduced(step) for step in everything.steps if step.model not in absent)
    )
