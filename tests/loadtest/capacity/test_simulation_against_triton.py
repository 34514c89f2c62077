"""The simulation against a real Triton whose models sleep for known times, under the same arrivals.

Bounds are generous, since a busy machine wakes a sleeper late; what they must tell apart is a wrong rule of batching,
which moves percentiles by half.
"""

import asyncio
import statistics
import time

import numpy as np
import pytest
import tritonclient.grpc.aio as grpc_aio
from tritonclient.grpc import InferInput

from loadtest.capacity.simulation import simulate
from loadtest.stages import collect_settled_statistics, difference
from serving import ServerOptions, TritonServer
from tests.loadtest.capacity import sleeping_repository

pytestmark = [pytest.mark.triton, pytest.mark.slow, pytest.mark.quiet]

SHARES = (0.65, 0.35)


def request(shape):
    tensor = InferInput("x", [1, 1 + shape], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 1 + shape), np.float32))
    return [tensor]


async def single_latencies_ms(url, count):
    async with grpc_aio.InferenceServerClient(url) as client:
        latencies = []
        for _ in range(count):
            started = time.perf_counter()
            await client.infer("all", request(0))
            latencies.append(1e3 * (time.perf_counter() - started))
    return latencies


async def latencies_ms(url, *, rate_per_s, count, seed):
    random = np.random.default_rng(seed)
    due = np.cumsum(random.exponential(1 / rate_per_s, count)).tolist()
    shapes = random.choice(2, size=count, p=SHARES).tolist()
    latencies = [0.0] * count
    async with grpc_aio.InferenceServerClient(url) as client:
        started = time.perf_counter() + 0.1

        async def send(number):
            await client.infer("all", request(shapes[number]))
            latencies[number] = 1e3 * (time.perf_counter() - started - due[number])

        sending = []
        for number, at in enumerate(due):
            await asyncio.sleep(max(0.0, started + at - time.perf_counter()))
            sending.append(asyncio.create_task(send(number)))
        await asyncio.gather(*sending)
    return np.array(latencies)


@pytest.mark.parametrize(
    ("options", "rate_per_s"),
    [
        pytest.param({}, 30, id="dynamic batching"),
        pytest.param({"is_batched": False}, 22, id="no batching"),
        pytest.param({"delay_ms": 15, "backbones": 2}, 40, id="two backbones and a queue delay"),
    ],
)
def test_a_real_triton_takes_as_long_as_its_simulation(tmp_path, options, rate_per_s):
    sleepers = sleeping_repository.graph(**options)
    sleeping_repository.write(tmp_path, sleepers)
    with TritonServer(ServerOptions(tmp_path, http_port=0, grpc_port=0, metrics_port=0)) as server:
        idle = statistics.median(asyncio.run(single_latencies_ms(server.grpc_url, 15)))
        before = collect_settled_statistics(f"grpc://{server.grpc_url}")
        real = asyncio.run(latencies_ms(server.grpc_url, rate_per_s=rate_per_s, count=400, seed=3))
        after = collect_settled_statistics(f"grpc://{server.grpc_url}", before=before, requests=len(real))
        table = difference(before, after)
    told = sleeping_repository.profile(sleepers, overhead_ms=0.0, shape_shares=SHARES)
    alone = simulate(told, rate_per_s=0.001, requests=5, seed=0).latencies_ms[0]
    told = sleeping_repository.profile(sleepers, overhead_ms=max(0.0, idle - alone), shape_shares=SHARES)
    simulated = simulate(told, rate_per_s=rate_per_s, requests=8000, seed=1)
    expected = np.percentile(simulated.latencies_ms, [50, 90])
    batches = {row.model: row.mean_batch for row in table.rows if row.mean_batch}
    assert np.percentile(real, [50, 90]) == pytest.approx(expected, rel=0.25)
    for load in simulated.stages[1:]:
        assert batches[load.name] == pytest.approx(load.mean_batch, rel=0.25)
