"""What stops a training run.

EngineError
├── CheckpointError      a checkpoint can be neither written nor read
├── DataError            there is nothing to learn from
├── ProcessError         the processes of a run do not fit together, or the machine does not fit the recipe
├── TrainingDiverged     the loss or its gradient is no longer a number
└── TrainingInterrupted  somebody asked for it; the state is saved
"""


class EngineError(RuntimeError):
    """Base of what stops a run; the message says what to do next."""


class CheckpointError(EngineError):
    """A checkpoint can be neither written nor read."""


class DataError(EngineError):
    """There is nothing to learn from."""


class ProcessError(EngineError):
    """The processes of a run do not fit together, or the machine does not fit the recipe."""


class TrainingDiverged(EngineError):
    """The loss or its gradient is no longer a number."""


class TrainingInterrupted(EngineError):
    """Somebody asked the run to stop; its state is saved."""
