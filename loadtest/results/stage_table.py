"""Where the time went inside the server, from the difference of two readings of its statistics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """Executions of one batch size. Milliseconds are means per *execution*, whatever number of requests it served.

    Attributes:
        batch_size: images in each.
        executions: how many.
        input_ms: gathering inputs.
        infer_ms: computing.
        output_ms: handing out outputs.
    """

    batch_size: int
    executions: int
    input_ms: float
    infer_ms: float
    output_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One model of the server during the measured window.

    Milliseconds are means per successful *request* of that model: each request of a batch of 4 waits for the whole
    execution, so each counts the whole execution's time. Therefore they add up to what a caller waits, and not to how
    long the model was busy; that is in `batches`.

    Attributes:
        model: its name.
        version: its version.
        ensemble: the first ensemble which it is a step of; None for an ensemble or a model that is called by itself.
        requests: successful requests, those that the response cache answered included.
        failures: failed requests.
        inferences: images that were computed, i.e. the sum of the batch sizes.
        executions: how many times the model ran.
        mean_batch: `inferences / executions`; None without an execution, and for an ensemble, which never batches.
        queue_ms: waiting for an instance and for batch mates.
        input_ms: gathering inputs. Of an ensemble, this and the next two are sums over all its steps, those that run
            side by side counted twice: only its `total_ms` is a time that anybody waited.
        infer_ms: computing.
        output_ms: handing out outputs.
        cache_ms: looking up and filling the response cache.
        overhead_ms: what remains of `total_ms`; may be below 0 by the resolution of the server's clocks. 0 for an
            ensemble: see `EnsembleTime`.
        total_ms: the request's whole time.
        cache_hits: requests that the response cache answered.
        cache_misses: requests that it could not answer.
        batches: executions by batch size, ascending.
    """

    model: str
    version: str
    ensemble: str | None
    requests: int
    failures: int
    inferences: int
    executions: int
    mean_batch: float | None
    queue_ms: float
    input_ms: float
    infer_ms: float
    output_ms: float
    cache_ms: float
    overhead_ms: float
    total_ms: float
    cache_hits: int
    cache_misses: int
    batches: tuple[BatchRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """What one step adds to a request of its ensemble.

    Attributes:
        model: its model.
        version: the model's version.
        after: models whose outputs it needs; empty for the first.
        calls_per_request: how often it ran for one request of the ensemble: less than 1 where Triton skipped it because
            nobody asked for its outputs, or the response cache answered.
        ms_per_request: its mean time for one request of the ensemble: that of one call times `calls_per_request`.
        is_critical: whether it is on the longest path.
    """

    model: str
    version: str
    after: tuple[str, ...]
    calls_per_request: float
    ms_per_request: float
    is_critical: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleTime:
    """How the end-to-end time of an ensemble is made up: `end_to_end_ms == path_ms + cache_ms + remainder_ms`.

    Attributes:
        model: the ensemble.
        version: its version.
        requests: its successful requests.
        end_to_end_ms: its mean time inside the server.
        steps: its steps in the order of its configuration.
        path_ms: sum of `ms_per_request` over the longest path through the graph: steps side by side count once, by the
            longest of them.
        cache_ms: looking up and filling the ensemble's own response cache.
        remainder_ms: the rest: scheduling between steps, and of steps side by side that the slower is not always the
            same. Below 0 where a step started while the one before it still cleaned up after its answer.
        adds_up: whether the remainder is at most 5 % of the end-to-end time; None where that cannot be said, for
            the reason in the table's notes.
    """

    model: str
    version: str
    requests: int
    end_to_end_ms: float
    steps: tuple[StepTime, ...]
    path_ms: float
    cache_ms: float
    remainder_ms: float
    adds_up: bool | None

    @property
    def remainder_share(self) -> float:
        """The remainder as a share of the end-to-end time, with its sign."""
        return self.remainder_ms / self.end_to_end_ms if self.end_to_end_ms else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTable:
    """All models that had work.

    Attributes:
        window_s: seconds between the two readings.
        rows: each ensemble, then its steps in the order of its configuration, then models called by themselves.
        ensembles: how the time of each ensemble is made up.
        notes: what a reader must know, e.g. that the server was restarted meanwhile.
    """

    window_s: float
    rows: tuple[StageRow, ...]
    ensembles: tuple[EnsembleTime, ...]
    notes: tuple[str, ...] = ()
