"""The calls to TensorRT, against a module that takes note of them. The real one needs a GPU."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from serving.engines.builder import BuildRequest
from serving.engines.engine_spec import OptimisationProfile, ShapeRange
from serving.engines.tensorrt_builder import TensorRTBuilder
from serving.errors import BuilderMissingError, EngineBuildError

REQUEST = BuildRequest(
    model="net",
    onnx=b"graph",
    profiles=tuple(OptimisationProfile({"x": ShapeRange((1, n), (4, n), (8, n))}) for n in (2, 3)),
    timing_cache=b"old",
)


class FakeTensorRT(ModuleType):
    """The part of TensorRT's Python API that is used, with the real names."""

    def __init__(self, *, parses: bool = True, plan: bytes | None = b"plan", strongly_typed: bool = True) -> None:
        super().__init__("tensorrt")
        self.__version__ = "10.16.1.11"
        calls: list[Any] = []
        self.calls = calls
        self.Logger = SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2)
        self.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1) if strongly_typed else SimpleNamespace()

        class ILogger:
            def __init__(self) -> None:
                pass

        class Profile:
            def set_shape(self, name: str, *sizes: tuple[int, ...]) -> None:
                calls.append(("set_shape", name, *sizes))

        class TimingCache:
            def __init__(self, content: bytes) -> None:
                self.content = content

            def serialize(self) -> bytes:
                return self.content + b"+new"

        class Config:
            def __init__(self) -> None:
                self.profiles: list[Profile] = []

            def add_optimization_profile(self, profile: Profile) -> int:
                self.profiles.append(profile)
                return len(self.profiles) - 1

            def create_timing_cache(self, content: bytes) -> TimingCache | None:
                return None if content == b"damaged" else TimingCache(content)

            def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
                assert not ignore_mismatch
                if cache.content == b"of another GPU":
                    return False
                self.cache = cache
                return True

            def get_timing_cache(self) -> TimingCache:
                return self.cache

        class Builder:
            def __init__(self, logger: Any) -> None:
                self.logger = logger

            def create_network(self, flags: int) -> str:
                calls.append(("create_network", flags))
                return "network"

            def create_builder_config(self) -> Config:
                return Config()

            def create_optimization_profile(self) -> Profile:
                return Profile()

            def build_serialized_network(self, network: str, config: Config) -> bytes | None:
                calls.append(("build", network, len(config.profiles)))
                self.logger.log(2, "only a warning")
                if plan is None:
                    self.logger.log(1, "no memory\nleft")
                return plan

        class OnnxParser:
            num_errors = 1

            def __init__(self, network: str, logger: Any) -> None:
                calls.append(("parser", network))

            def parse(self, content: bytes) -> bool:
                calls.append(("parse", content))
                return parses

            def get_error(self, index: int) -> Any:
                return SimpleNamespace(desc=lambda: "No importer registered for op: DeformConv")

        self.ILogger, self.Builder, self.OnnxParser = ILogger, Builder, OnnxParser


def builder_on(monkeypatch: pytest.MonkeyPatch, tensorrt: FakeTensorRT) -> TensorRTBuilder:
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt)
    return TensorRTBuilder()


def test_a_strongly_typed_network_with_all_profiles_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorrt = FakeTensorRT()
    builder = builder_on(monkeypatch, tensorrt)
    built = builder.build(REQUEST)
    assert (builder.version, built.plan, built.timing_cache) == ("10.16.1.11", b"plan", b"old+new")
    assert tensorrt.calls == [
        ("create_network", 2),
        ("parser", "network"),
        ("parse", b"graph"),
        ("set_shape", "x", (1, 2), (4, 2), (8, 2)),
        ("set_shape", "x", (1, 3), (4, 3), (8, 3)),
        ("build", "network", 2),
    ]


@pytest.mark.parametrize("timings", [b"damaged", b"of another GPU"])
def test_timings_that_tensorrt_refuses_are_begun_anew(monkeypatch: pytest.MonkeyPatch, timings: bytes) -> None:
    built = builder_on(monkeypatch, FakeTensorRT()).build(replace(REQUEST, timing_cache=timings))
    assert built.timing_cache == b"+new"


def test_a_tensorrt_that_knows_no_other_networks_is_given_no_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorrt = FakeTensorRT(strongly_typed=False)
    builder_on(monkeypatch, tensorrt).build(REQUEST)
    assert tensorrt.calls[0] == ("create_network", 0)


def test_a_graph_that_tensorrt_cannot_read_is_told_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineBuildError, match="net: TensorRT cannot read the graph: No importer registered"):
        builder_on(monkeypatch, FakeTensorRT(parses=False)).build(REQUEST)


def test_no_engine_is_told_with_the_loggers_last_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineBuildError, match=r"^net: TensorRT built no engine: no memory left$"):
        builder_on(monkeypatch, FakeTensorRT(plan=None)).build(REQUEST)


def test_a_missing_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorrt = FakeTensorRT()

    def no_gpu(logger: Any) -> None:
        logger.log(0, "CUDA initialization failure with error: 100")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(tensorrt, "Builder", no_gpu)
    with pytest.raises(EngineBuildError, match="nullptr; CUDA initialization failure with error: 100"):
        builder_on(monkeypatch, tensorrt).build(REQUEST)


def test_a_missing_tensorrt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BuilderMissingError, match="Python's tensorrt cannot be imported"):
        TensorRTBuilder()
