"""Everything that can go wrong between this package and a running Triton.

ServingError
├── InstallationError        something that Triton needs is missing on this machine
├── ModelRepositoryError     the folder to serve is not a model repository
├── PortUnavailableError     a port cannot be listened on
├── StartupError             tritonserver ended, or was not ready in time
│   └── ModelLoadError       ... because a model does not load
├── SupervisionError         tritonserver had to be restarted too often
└── ProbeError               a real inference got no result
    ├── ModelRefusedError    ... the model is alive and answered an error
    └── ServiceBrokenError   ... nobody answers, or the model's process is dead
"""


class ServingError(Exception):
    """Base of all errors of this package."""


class InstallationError(ServingError):
    """Something that Triton needs is missing on this machine."""


class ModelRepositoryError(ServingError):
    """The folder to serve is not a model repository."""


class PortUnavailableError(ServingError):
    """A port cannot be listened on."""


class StartupError(ServingError):
    """``tritonserver`` ended before it was ready, or was not ready in time."""


class ModelLoadError(StartupError):
    """``tritonserver`` ended because a model does not load."""


class SupervisionError(ServingError):
    """``tritonserver`` had to be restarted too often to go on."""


class ProbeError(ServingError):
    """A real inference got no result."""


class ModelRefusedError(ProbeError):
    """The model is alive and answered an error."""


class ServiceBrokenError(ProbeError):
    """Nobody answered in time, or the model's process is dead."""
