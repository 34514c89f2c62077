"""Errors of `training.evaluation`.

EvaluationError
 +-- GroundTruthError    objects, images or categories that cannot be judged against
 +-- DetectionsError     results that do not fit the ground truth, or are no results
 +-- HierarchyError      a hierarchy of classes that contradicts itself or does not fit the categories
 +-- ProtocolError       a question the protocol has no answer to, such as masks in OpenImages
"""


class EvaluationError(ValueError):
    """Base of everything that keeps detections from being judged; the message starts with the file's name."""


class GroundTruthError(EvaluationError):
    """Ground truth that is not in COCO's format, or contradicts itself."""


class DetectionsError(EvaluationError):
    """Detections that are not COCO results, or name images or categories that the ground truth lacks."""


class HierarchyError(EvaluationError):
    """A hierarchy that is no hierarchy, or one whose labels no category has."""


class ProtocolError(EvaluationError):
    """An option that the protocol does not have, or a value outside of what it allows."""
