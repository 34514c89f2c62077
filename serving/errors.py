"""Everything that can go wrong between this package and a running Triton.

ServingError
├── InstallationError        something that Triton needs is missing on this machine
├── ModelRepositoryError     the folder to serve is not a model repository
├── PortUnavailableError     a port cannot be listened on
├── StartupError             tritonserver ended, or was not ready in time
│   └── ModelLoadError       ... because a model does not load
├── SupervisionError         tritonserver had to be restarted too often
├── ProbeError               a real inference got no result
│   ├── ModelRefusedError    ... the model is alive and answered an error
│   │   ├── OverloadedError      ... its queue was full, or the request waited in it too long
│   │   ├── ForbiddenError       ... this API is restricted, and the key was missing or wrong
│   │   └── ModelNotServedError  ... the server has no such model, or has not loaded it
│   └── ServiceBrokenError   ... nobody answers
│       └── DeadStubError        ... the model's process is dead
└── EngineError              a TensorRT engine was not built
    ├── EngineSettingsError  ... a config, a graph or an option is not what the builder needs
    ├── BuilderMissingError  ... Python's tensorrt, or the GPU, is not on this machine
    ├── EngineBuildError     ... TensorRT did not build it
    └── EngineCacheError     ... the cache, or the linked repository, cannot be read or written
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


class OverloadedError(ModelRefusedError):
    """The model's queue was full, or the request waited in it for too long."""


class ForbiddenError(ModelRefusedError):
    """The API is restricted, and the key was missing or wrong."""


class ModelNotServedError(ModelRefusedError):
    """The server has no such model, or has not loaded it."""


class DeadStubError(ServiceBrokenError):
    """The model's process is dead; Triton never starts another."""


class EngineError(ServingError):
    """A TensorRT engine was not built."""


class EngineSettingsError(EngineError):
    """A target config, a graph or an option is not what the builder needs."""


class BuilderMissingError(EngineError):
    """Python's tensorrt, or the GPU, is not on this machine."""


class EngineBuildError(EngineError):
    """TensorRT did not build the engine."""


class EngineCacheError(EngineError):
    """The cache, or the linked repository, cannot be read or written."""
