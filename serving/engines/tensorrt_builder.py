"""The calls to TensorRT, and nothing else. Needs Python's ``tensorrt`` and a GPU; not measured on a GPU.

Written for the API of TensorRT 10 and 11: strongly typed networks, several optimisation profiles, a timing cache.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from serving.engines.builder import BuildRequest, BuiltEngine
from serving.errors import BuilderMissingError, EngineBuildError


class TensorRTBuilder:
    """Builds with the TensorRT of this Python."""

    def __init__(self) -> None:
        """Import TensorRT.

        Raises:
            BuilderMissingError: It is not installed, or its libraries do not load.
        """
        try:
            self._trt: Any = import_module("tensorrt")
        except (ImportError, OSError) as error:
            raise BuilderMissingError(
                f"Python's tensorrt cannot be imported ({error}). Build in an image with the same TensorRT as Triton's:"
                " `pip install tensorrt==<that version>`, docs/GPU.md. --no-build only looks into the cache."
            ) from error

    @property
    def version(self) -> str:
        """Version of TensorRT."""
        return str(self._trt.__version__)

    def build(self, request: BuildRequest) -> BuiltEngine:
        """Build one engine.

        Args:
            request: What to build.

        Raises:
            EngineBuildError: TensorRT refused the graph or a profile, found no engine, or has no GPU.
        """
        trt = self._trt
        logger = _collecting_logger(trt)
        try:
            builder = trt.Builder(logger)
            network = builder.create_network(_strongly_typed(trt))
            parser = trt.OnnxParser(network, logger)
            if not parser.parse(request.onnx):
                errors = "; ".join(str(parser.get_error(index).desc()) for index in range(parser.num_errors))
                raise EngineBuildError(f"{request.model}: TensorRT cannot read the graph: {errors}")
            config = builder.create_builder_config()
            self._add_profiles(builder, config, request)
            _begin_with_timings(config, request.timing_cache)
            plan = builder.build_serialized_network(network, config)
            if plan is None:
                raise EngineBuildError(f"{request.model}: TensorRT built no engine: {logger.last_words()}")
            timings = config.get_timing_cache()
            return BuiltEngine(bytes(plan), b"" if timings is None else bytes(timings.serialize()))
        except (RuntimeError, TypeError, ValueError, MemoryError) as error:  # what its bindings raise
            raise EngineBuildError(f"{request.model}: TensorRT failed: {error}; {logger.last_words()}") from error

    def _add_profiles(self, builder: Any, config: Any, request: BuildRequest) -> None:
        for index, wanted in enumerate(request.profiles):
            profile = builder.create_optimization_profile()
            for name, sizes in wanted.range_by_input.items():
                profile.set_shape(name, sizes.minimum, sizes.optimum, sizes.maximum)
            if config.add_optimization_profile(profile) != index:
                raise EngineBuildError(f"{request.model}: TensorRT refused profile {index}: {wanted.range_by_input}")


def _begin_with_timings(config: Any, timings: bytes) -> None:
    """Hand over earlier timings; ones that TensorRT refuses, for their file was damaged, are begun anew."""
    for content in (timings, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            return


def _strongly_typed(trt: Any) -> int:
    """Flags of a network whose layers compute in the types of the graph; from TensorRT 11 on every network is so."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _collecting_logger(trt: Any) -> Any:
    """TensorRT tells the reason of a failure to its logger only."""

    class CollectingLogger(trt.ILogger):  # type: ignore[misc]
        """Remembers what went wrong."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._messages: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.Logger.INTERNAL_ERROR, trt.Logger.ERROR):
                self._messages.append(" ".join(message.split()))

        def last_words(self) -> str:
            return "; ".join(self._messages[-3:]) or "it gave no reason"

    return CollectingLogger()
