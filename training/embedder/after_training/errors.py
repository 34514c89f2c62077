"""Errors of `training.embedder.after_training`.

EmbedderError
 +-- AfterTrainingError
      +-- CalibrationError    scores that no calibration can be learned from
      +-- ThresholdError      queries that no threshold can be found for
      +-- AugmentationError   photos or known products that nothing can be matched with
      +-- PairsError          a file of pairs that is none, or pairs that no model can be learned from
"""

from training.embedder.errors import EmbedderError


class AfterTrainingError(EmbedderError):
    """Base of what keeps a command that follows training from its work; the message says what to do next."""


class CalibrationError(AfterTrainingError):
    """Scores that no calibration can be learned from; the message names the head."""


class ThresholdError(AfterTrainingError):
    """Queries that no threshold can be found for, or arrays that do not belong together."""


class AugmentationError(AfterTrainingError):
    """There are no photos, no known products, or no place to write to."""


class PairsError(AfterTrainingError):
    """A file of pairs that is none, or pairs that no model can be learned from."""
