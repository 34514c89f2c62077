"""Small profiles that the tests simulate."""

from loadtest.capacity.service_curve import ServiceCurve
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.shared_resource import ResourceProfile
from loadtest.capacity.stage_profile import StageProfile


def proportional(ms: float) -> ServiceCurve:
    return ServiceCurve(((1, ms),))


def stage(name: str, ms: float, *, work_ms: float | None = None, **fields) -> StageProfile:
    curve = fields.pop("curve", proportional(ms))
    work = curve if work_ms is None else proportional(work_ms)
    return StageProfile(name=name, elapsed_ms=curve, work_ms=work, **fields)


def single_stage(ms: float = 10.0, **fields) -> ServiceProfile:
    """One queue before instances on machines of their own: the textbook's case."""
    return ServiceProfile(stages=(stage("only", ms, resource="own", **fields),), resources={})


def detect_like(cores: float = 2, efficiency: float = 1.0, *, cv: float = 0.0, max_batch: int = 16) -> ServiceProfile:
    """The graph of `detect`: two stages, two heads side by side, a join."""
    shared = {"max_batch": max_batch, "cv": cv}
    return ServiceProfile(
        stages=(
            stage("preprocess", 4, instances=2, **shared),
            stage("backbone", 15, work_ms=28, after=("preprocess",), **shared),
            stage("head_a", 6, after=("backbone",), **shared),
            stage("head_b", 5, after=("backbone",), **shared),
            stage("join", 2, after=("preprocess", "head_a", "head_b"), **shared),
        ),
        resources={"cpu": ResourceProfile(capacity=cores, efficiency=efficiency)},
    )
