"""A service profile from a live server: sequential calls, batches of growing size, then a few callers side by side."""

from __future__ import annotations

import io
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

from PIL import Image

from genod_client.endpoint import parse_endpoint
from genod_client.errors import InvalidInputError
from loadtest.capacity.batch_caller import BatchCaller
from loadtest.capacity.efficiency import fit_efficiency
from loadtest.capacity.errors import MeasurementError
from loadtest.capacity.foreign_load import ForeignLoad
from loadtest.capacity.measured_block import CLIENT, MeasuredBlock
from loadtest.capacity.profile_building import Measured, build_profile
from loadtest.capacity.server_processes import ServerProcesses
from loadtest.capacity.service_profile import ServiceProfile
from loadtest.capacity.stage_settings import StageSettings
from loadtest.errors import UsageError
from loadtest.stages import collect_settled_statistics, difference
from loadtest.stages.ensemble_graph import EnsembleGraph
from loadtest.triton_api import open_triton_api

BATCH_SIZES = (1, 2, 4, 8)
CALLERS = (2, 4, 8)
BUSY_SHARE = 0.1
"""Of the cores used by others, from which a measurement says that its times are wrong."""
_FEWEST_CALLS = 6
Progress = Callable[[str], None]


class Measurement:
    """Measures one ensemble of one server. Nothing else should call the server meanwhile, nor the machine be busy."""

    def __init__(
        self,
        url: str,
        photos: Sequence[bytes],
        *,
        model: str = "detect",
        calls_per_block: int = 60,
        longest_block_s: float = 10.0,
        loaded_s: float = 6.0,
        cores: float | None = None,
        on_progress: Progress = lambda _: None,
    ) -> None:
        """Prepare.

        Args:
            url: Of the server, HTTP or gRPC.
            photos: Encoded photos as callers send them.
            model: The ensemble.
            calls_per_block: Photos in each block of sequential calls.
            longest_block_s: A slow server gets fewer calls than that, so that a measurement ends.
            loaded_s: Seconds of each stretch with callers side by side.
            cores: Of the server's machine; needed where that is another one.
            on_progress: Told what is measured.
        """
        self._url = url
        self._model = model
        self._photos = list(photos)
        by_shape: dict[bool, list[bytes]] = {True: [], False: []}
        for photo in photos:
            by_shape[_is_landscape(photo)].append(photo)
        # A batch holds one orientation: the more frequent one stands for both, they have equally many pixels.
        self._landscape_share = len(by_shape[True]) / max(1, len(self._photos))
        self._of_one_shape = max(by_shape.values(), key=len)
        self._calls = calls_per_block
        self._longest_block_s = longest_block_s
        self._loaded_s = loaded_s
        self._on_progress = on_progress
        try:
            endpoint = parse_endpoint(url)
        except InvalidInputError as error:
            raise UsageError(f"--url: {error}") from error
        is_local = endpoint.host in ("127.0.0.1", "localhost", "::1")
        self._processes = ServerProcesses.listening_on(endpoint.port) if is_local else None
        self._cores = cores or (len(os.sched_getaffinity(0)) if is_local else None)
        if not self._photos:
            raise MeasurementError("there are no photos to measure with")

    def __call__(self) -> ServiceProfile:
        """Measure and return the profile.

        Raises:
            MeasurementError: The server answered an error, or how many cores it has is not known.
            ServerApiError: It does not answer, or gives no statistics.
        """
        with open_triton_api(self._url) as api:
            config = api.model_config(self._model)
            graph = EnsembleGraph.from_config(config)
            if graph is None:
                raise MeasurementError(f"{self._model} is no ensemble: name one with --model")
            settings = {step.model: StageSettings.from_config(api.model_config(step.model)) for step in graph.steps}
        if self._cores is None and not all(stage.is_on_gpu for stage in settings.values()):
            raise MeasurementError(
                f"{self._url} is another machine: say with --cores how many cores one replica has there"
            )
        foreign = ForeignLoad(self._processes)
        with closing(BatchCaller(self._url, self._model)) as call:
            self._on_progress("warming up")
            for photo in self._photos[:20]:
                call([photo])
            self._on_progress("single calls")
            spread = self._spread(call, [step.model for step in graph.steps])
            largest = min(int(config.get("max_batch_size", 0)), max(stage.max_batch for stage in settings.values()))
            blocks = {}
            for size in BATCH_SIZES:
                if size <= max(1, largest):
                    self._on_progress(f"batches of {size}")
                    blocks[size] = self._block(call, size)
        loaded = {}
        for callers in CALLERS:
            self._on_progress(f"{callers} callers side by side")
            block = self._loaded_block(callers=callers)
            # Whoever was under way at the end has been counted, and was half done on average.
            loaded[callers] = max(1.0, block.calls - callers / 2) / self._loaded_s
        share = foreign.share()
        if share > BUSY_SHARE:
            self._on_progress(
                f"NOTE: other programs took {100 * share:.0f} % of the cores meanwhile, so that all times are too long"
            )
        measured = Measured(graph=graph, settings=settings, blocks=blocks, spread=spread, cores=self._cores or 1.0)
        profile = build_profile(
            measured,
            name=self._model,
            source=(
                f"measured at {self._url} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
                + (f", while other programs took {100 * share:.0f} % of the cores" if self._processes else "")
            ),
            landscape_share=self._landscape_share,
        )
        return fit_efficiency(profile, loaded)

    def _spread(self, call: BatchCaller, models: Sequence[str]) -> dict[str, float]:
        """Return each stage's cv, from the statistics read after every single call."""
        samples: dict[str, list[float]] = {model: [] for model in models}
        before = collect_settled_statistics(self._url)
        end = time.perf_counter() + self._longest_block_s
        for k in range(self._calls):
            if k >= _FEWEST_CALLS and time.perf_counter() > end:
                break
            call([self._photos[k % len(self._photos)]])
            after = collect_settled_statistics(self._url, before=before, requests=1)
            for row in difference(before, after).rows:
                if row.model in samples and row.executions:
                    samples[row.model].append(row.input_ms + row.infer_ms + row.output_ms)
            before = after
        return {model: _cv(values) for model, values in samples.items()}

    def _block(self, call: BatchCaller, size: int) -> MeasuredBlock:
        calls = max(_FEWEST_CALLS, self._calls // size)
        photos = self._photos if size == 1 else self._of_one_shape
        call(photos[:1] * size)  # the first of its size allocates

        def run() -> tuple[int, float]:
            started = time.perf_counter()
            for k in range(calls):
                call([photos[(k * size + row) % len(photos)] for row in range(size)])
                if k + 1 >= _FEWEST_CALLS and time.perf_counter() - started > self._longest_block_s:
                    break
            return k + 1, time.perf_counter() - started

        return self._observe(run)

    def _loaded_block(self, *, callers: int) -> MeasuredBlock:
        """Return what executions cost while the cores are busy."""

        def run() -> tuple[int, float]:
            done = [0] * callers
            errors: list[BaseException] = []
            end = time.perf_counter() + self._loaded_s

            def call_until_end(who: int) -> None:
                try:
                    with closing(BatchCaller(self._url, self._model)) as call:
                        while time.perf_counter() < end:
                            call([self._photos[(who * 7 + done[who]) % len(self._photos)]])
                            done[who] += 1
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=call_until_end, args=(who,)) for who in range(callers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if errors:
                raise errors[0]
            return sum(done), self._loaded_s * callers

        return self._observe(run)

    def _observe(self, run: Callable[[], tuple[int, float]]) -> MeasuredBlock:
        before, cpu_before, own_before = collect_settled_statistics(self._url), self._cpu_ms(), time.process_time()
        calls, seconds = run()
        own, cpu_after = time.process_time() - own_before, self._cpu_ms()
        cpu = {model: used - cpu_before.get(model, 0.0) for model, used in cpu_after.items()}
        table = difference(before, collect_settled_statistics(self._url, before=before, requests=calls))
        return MeasuredBlock(
            calls=calls, mean_ms=1e3 * seconds / max(1, calls), table=table, cpu_ms={**cpu, CLIENT: 1e3 * own}
        )

    def _cpu_ms(self) -> dict[str, float]:
        return self._processes.cpu_ms() if self._processes else {}


def _is_landscape(photo: bytes) -> bool:
    with Image.open(io.BytesIO(photo)) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112, 1) >= 5  # EXIF orientations that lie on their side
    return (width >= height) != turned or width == height


def _cv(samples: Sequence[float]) -> float:
    """Return standard deviation over mean without the worst sample of 50: a hiccup of the machine is no property."""
    kept = sorted(samples)[: len(samples) - len(samples) // 50]
    if len(kept) < 2 or not statistics.fmean(kept):
        return 0.0
    return statistics.stdev(kept) / statistics.fmean(kept)
