"""For each alert what metrics do when it must fire, and when it must not.

Histories in promtool's notation, a sample every `interval`: `0+30x40` starts at 0 and grows by 30 forty times, `1x40`
stays.
"""

from dataclasses import dataclass

from tests.helm.chart import Manifest
from tests.helm.monitoring.prometheus_rules import CALLERS, CANARY, ENVOY, EVERYTHING, PROBE, STABLE

KUBE = 'namespace="vision"'
COARSE: Manifest = {**EVERYTHING, "monitoring": {"enabled": True, "rules": {"intervalSeconds": 300}}}
FROM_TRITON: Manifest = {"monitoring": {"enabled": True}, "envoy": {"enabled": False}}

TEN_PER_SECOND = "0+300x400"
REQUESTS = f"envoy_http_downstream_rq_completed{{{CALLERS}}}"
SERVER_ERRORS = f'envoy_http_downstream_rq_xx{{{CALLERS},envoy_response_code_class="5"}}'
FAST_ENOUGH = f'envoy_http_downstream_rq_time_bucket{{{CALLERS},le="500"}}'
TIMED = f"envoy_http_downstream_rq_time_count{{{CALLERS}}}"
UNAVAILABLE = f'envoy_cluster_grpc_14{{{ENVOY},envoy_cluster_name="stable-grpc"}}'
INVALID_ARGUMENT = f'envoy_cluster_grpc_3{{{ENVOY},envoy_cluster_name="stable-grpc"}}'
SUCCESSES = f'nv_inference_request_success{{{STABLE},pod="a",model="detect",version="1"}}'
CANARY_SUCCESSES = f'nv_inference_request_success{{{CANARY},pod="c",model="detect",version="2"}}'
CANARY_FAILURES = f'nv_inference_request_failure{{{CANARY},pod="c",model="detect",version="2",reason="OTHER"}}'
STABLE_FAILURES = f'nv_inference_request_failure{{{STABLE},pod="a",model="detect",version="1",reason="OTHER"}}'
HITS = f'nv_cache_num_hits_per_model{{{STABLE},pod="a",model="detect"}}'
MISSES = f'nv_cache_num_misses_per_model{{{STABLE},pod="a",model="detect"}}'
DURATION = "nv_inference_request_duration_us"
P99 = f'nv_inference_request_summary_us{{{STABLE},pod="a",model="detect",quantile="0.99"}}'
P999 = P99.replace('"0.99"', '"0.999"')
RESTARTS = f'kube_pod_container_status_restarts_total{{{KUBE},pod="genod-triton-stable-x",container="triton"}}'
INIT_RESTARTS = (
    f'kube_pod_init_container_status_restarts_total{{{KUBE},pod="genod-triton-stable-x",container="build-engines"}}'
)
DEPLOYMENT = f'{KUBE},deployment="genod-triton-stable"'
NO_PROGRESS = f'kube_deployment_status_condition{{{DEPLOYMENT},condition="Progressing",status="false"}}'
BUILD_FAILED = f'kube_job_failed{{{KUBE},job_name="genod-engine-builder-stable",condition="true"}}'
EJECTED = f'envoy_cluster_outlier_detection_ejections_active{{{ENVOY},envoy_cluster_name="stable-grpc"}}'
PENDING_OVERFLOW = f'envoy_cluster_upstream_rq_pending_overflow{{{ENVOY},envoy_cluster_name="stable-grpc"}}'
RETRY_OVERFLOW = f'envoy_cluster_upstream_rq_retry_overflow{{{ENVOY},envoy_cluster_name="stable-grpc"}}'
HEALTHY = f'envoy_cluster_membership_healthy{{{ENVOY},pod="e",envoy_cluster_name="stable-grpc"}}'
HPA = f'{KUBE},horizontalpodautoscaler="keda-hpa-genod-triton-stable"'
INACTIVE = f'kube_horizontalpodautoscaler_status_condition{{{HPA},condition="ScalingActive",status="false"}}'

History = dict[str, str]


@dataclass(frozen=True)
class AlertCase:
    alert: str
    at: str
    fires: dict[str, History]
    """Histories that end in one alert, by what they show."""
    quiet: dict[str, History]
    """Histories that end in none."""
    interval: str = "30s"
    values: Manifest | None = None


def probe_up(values: str) -> History:
    return {f'genod_probe_up{{{PROBE},genod_track="stable",pod="a",model="detect"}}': values}


def pending(values: str) -> History:
    return {f'nv_inference_pending_request_count{{{STABLE},pod="a",model="backbone"}}': values}


def failing(reason: str, *, successes: str) -> History:
    model = f'{STABLE},pod="a",model="head_generic",version="1"'
    return {
        f'nv_inference_request_failure{{{model},reason="{reason}"}}': "0+10x40",
        f"nv_inference_request_success{{{model}}}": successes,
    }


def queue_time(milliseconds: int) -> History:
    """Ten requests a second which wait so long in one step."""
    queue = f'nv_inference_queue_duration_us{{{STABLE},pod="a",model="backbone"}}'
    return {queue: f"0+{300 * 1000 * milliseconds}x60", SUCCESSES: TEN_PER_SECOND}


def step_failures(reason: str, values: str) -> History:
    return {f'nv_inference_request_failure{{{STABLE},pod="a",model="backbone",reason="{reason}"}}': values}


def pool(used: int, total: int) -> History:
    return {
        f'nv_pinned_memory_pool_used_bytes{{{STABLE},pod="a"}}': f"{used}x60",
        f'nv_pinned_memory_pool_total_bytes{{{STABLE},pod="a"}}': f"{total}x60",
    }


def gpu_memory(used: int) -> History:
    return {
        f'nv_gpu_memory_used_bytes{{{STABLE},pod="a",gpu_uuid="x"}}': f"{used}x60",
        f'nv_gpu_memory_total_bytes{{{STABLE},pod="a",gpu_uuid="x"}}': "100x60",
    }


def up(pod: str, release: str, values: str) -> History:
    return {f'up{{{STABLE},pod="{pod}",genod_release="{release}"}}': values}


def served(version: str, *, label: str) -> History:
    series = f'{STABLE},pod="a",genod_release="{label}",model="detect",version="{version}"'
    return {f"nv_inference_request_success{{{series}}}": "5x60"}


def deployment(available: int, wanted: int) -> History:
    name = f'{KUBE},deployment="genod-triton-stable"'
    return {
        f"kube_deployment_status_replicas_available{{{name}}}": f"{available}x60",
        f"kube_deployment_spec_replicas{{{name}}}": f"{wanted}x60",
    }


def two_tracks(*, canary_failures: str, canary_us: str, canary_requests: str = TEN_PER_SECOND) -> History:
    """Stable pods fail one request of a hundred and take 100 ms."""
    return {
        SUCCESSES: TEN_PER_SECOND,
        STABLE_FAILURES: "0+6x400",
        f'{DURATION}{{{STABLE},pod="a",model="detect",version="1"}}': "0+30000000x400",
        CANARY_SUCCESSES: canary_requests,
        CANARY_FAILURES: canary_failures,
        f'{DURATION}{{{CANARY},pod="c",model="detect",version="2"}}': canary_us,
    }


CASES = [
    AlertCase(
        "GenodErrorBudgetBurnsFast",
        at="1h10m",
        fires={
            "one HTTP request of ten fails": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0+30x400"},
            "one gRPC call of ten fails": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0x400", UNAVAILABLE: "0+30x400"},
            "2 % fail, in HTTP and gRPC together": {
                REQUESTS: TEN_PER_SECOND,
                SERVER_ERRORS: "0+3x400",
                UNAVAILABLE: "0+3x400",
            },
        },
        quiet={
            "one request of 1000 fails": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0+0.3x400"},
            "it is over": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0+30x60 1800x340"},
            "it has only begun": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0x130 0+15x270"},
            "callers ask for nonsense": {
                REQUESTS: TEN_PER_SECOND,
                SERVER_ERRORS: "0x400",
                INVALID_ARGUMENT: "0+300x400",
            },
            "three requests an hour, one fails": {REQUESTS: "0+0.025x400", SERVER_ERRORS: "0+0.008x400"},
            "only the metrics port fails": {
                REQUESTS: TEN_PER_SECOND,
                SERVER_ERRORS.replace('"grpc"', '"metrics"'): "0+30x400",
            },
        },
    ),
    AlertCase(
        "GenodErrorBudgetBurnsSlowly",
        at="6h",
        interval="5m",
        values=COARSE,
        fires={"0.4 % fail": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0+1.2x400"}},
        quiet={"0.05 % fail": {REQUESTS: TEN_PER_SECOND, SERVER_ERRORS: "0+0.15x400"}},
    ),
    AlertCase(
        "GenodLatencyBudgetBurnsFast",
        at="1h10m",
        fires={
            "one request of five is slow": {REQUESTS: TEN_PER_SECOND, TIMED: TEN_PER_SECOND, FAST_ENOUGH: "0+240x400"}
        },
        quiet={
            "one of a hundred is slow": {REQUESTS: TEN_PER_SECOND, TIMED: TEN_PER_SECOND, FAST_ENOUGH: "0+297x400"},
            "it is over": {REQUESTS: TEN_PER_SECOND, TIMED: TEN_PER_SECOND, FAST_ENOUGH: "0+240x60 14400+300x340"},
            "nobody calls": {REQUESTS: "5x400", TIMED: "5x400", FAST_ENOUGH: "0x400"},
        },
    ),
    AlertCase(
        "GenodLatencyBudgetBurnsSlowly",
        at="6h",
        interval="5m",
        values=COARSE,
        fires={"4 % are slow": {REQUESTS: TEN_PER_SECOND, TIMED: TEN_PER_SECOND, FAST_ENOUGH: "0+288x400"}},
        quiet={
            "half a per cent is slow": {REQUESTS: TEN_PER_SECOND, TIMED: TEN_PER_SECOND, FAST_ENOUGH: "0+298.5x400"}
        },
    ),
    AlertCase(
        "GenodErrorBudgetBurnsFast",
        at="1h10m",
        values=FROM_TRITON,
        # Triton counts each failed request of an ensemble twice.
        fires={"2 % fail inside Triton": {SUCCESSES: "0+294x400", STABLE_FAILURES: "0+12x400"}},
        quiet={"0.4 % fail inside Triton": {SUCCESSES: "0+299x400", STABLE_FAILURES: "0+2.4x400"}},
    ),
    AlertCase(
        "GenodPodLatencyAboveTarget",
        at="10m",
        values=FROM_TRITON,
        fires={"one pod is slow": {P99: "600000x60"}},
        quiet={
            "all are fast": {P99: "400000x60"},
            "only a few are slow": {P999: "900000x60"},
        },
    ),
    AlertCase(
        "GenodModelProbeFails",
        at="10m",
        fires={"it answered and stopped": probe_up("1x10 0x50")},
        quiet={
            "it answers": probe_up("1x60"),
            "it has never answered, it starts": probe_up("0x60"),
            "one failure": probe_up("1x10 0x1 1x50"),
        },
    ),
    AlertCase(
        "GenodModelOnlyFails",
        at="10m",
        fires={"its process is dead": failing("BACKEND", successes="70x40")},
        quiet={
            "some requests succeed": failing("BACKEND", successes="0+1x40"),
            "full queues refuse": failing("REJECTED", successes="70x40"),
            "callers went away": failing("CANCELED", successes="70x40"),
        },
    ),
    AlertCase(
        "GenodQueueGrows",
        at="25m",
        fires={"two more every half minute": pending("0+2x60")},
        quiet={"a long queue that stays": pending("50x60"), "a short queue that grows": pending("0+0.2x60")},
    ),
    AlertCase(
        "GenodQueueTimeHigh",
        at="15m",
        fires={
            "200 ms": queue_time(200),
            "nothing comes out any more": {**pending("30x60"), **queue_time(200), SUCCESSES: "5x400"},
        },
        quiet={"50 ms": queue_time(50), "nobody calls": {**pending("0x60"), SUCCESSES: "5x400"}},
    ),
    AlertCase(
        "GenodRequestsRejected",
        at="15m",
        # As tritonserver 2.51 counts: twice at the ensemble; at the step only when the request had been in its queue.
        fires={
            "full queues, a tenth": {
                SUCCESSES: "0+270x60",
                STABLE_FAILURES: "0+60x60",
                **step_failures("BACKEND", "0x60"),
            },
            "waited too long, a tenth": {
                SUCCESSES: "0+270x60",
                STABLE_FAILURES: "0+60x60",
                **step_failures("BACKEND", "0x60"),
                **step_failures("REJECTED", "0+30x60"),
            },
        },
        quiet={
            "one of 300": {SUCCESSES: "0+299x60", STABLE_FAILURES: "0+2x60", **step_failures("BACKEND", "0x60")},
            "models fail": {SUCCESSES: "0+270x60", STABLE_FAILURES: "0+60x60", **step_failures("BACKEND", "0+30x60")},
        },
    ),
    AlertCase(
        "GenodPoolFallback",
        at="15m",
        fires={"most of it is used": pool(200, 256)},
        quiet={"little is used": pool(20, 256), "there is no GPU": pool(0, 0)},
    ),
    AlertCase("GenodGpuMemoryHigh", at="25m", fires={"full": gpu_memory(99)}, quiet={"room left": gpu_memory(90)}),
    AlertCase(
        "GenodResponseCacheOff",
        at="25m",
        fires={
            "no model has a cache": {SUCCESSES: TEN_PER_SECOND},
            "nobody asks it": {SUCCESSES: TEN_PER_SECOND, HITS: "5x400", MISSES: "5x400"},
        },
        quiet={
            "it misses": {SUCCESSES: TEN_PER_SECOND, HITS: "0x400", MISSES: TEN_PER_SECOND},
            "nobody calls": {SUCCESSES: "5x400", HITS: "5x400", MISSES: "5x400"},
        },
    ),
    AlertCase(
        "GenodCacheHitRateCollapsed",
        at="26h",
        interval="5m",
        values=COARSE,
        fires={"90 % yesterday, 10 % now": {HITS: "0+900x290 261000+100x60", MISSES: "0+100x290 29000+900x60"}},
        quiet={
            "90 % then and now": {HITS: "0+900x350", MISSES: "0+100x350"},
            "hardly anybody calls": {HITS: "0+9x290 2610+1x60", MISSES: "0+1x290 290+9x60"},
        },
    ),
    AlertCase(
        "GenodReleaseMismatch",
        at="35m",
        fires={"for half an hour": {**up("a", "1", "1x80"), **up("b", "2", "1x80")}},
        quiet={
            "one release": {**up("a", "1", "1x80"), **up("b", "1", "1x80")},
            "a rollout of ten minutes": {**up("a", "1", "1x40 _x40"), **up("b", "2", "_x20 1x60")},
            "the canary has another one": {
                **up("a", "1", "1x80"),
                f'up{{{CANARY},pod="c",genod_release="2"}}': "1x80",
            },
        },
    ),
    AlertCase(
        "GenodWrongReleaseServed",
        at="10m",
        fires={"labelled 2, serves 1": served("1", label="2")},
        quiet={
            "labelled 2, serves 2": served("2", label="2"),
            "a repository without a number": served("1", label="demo"),
        },
    ),
    AlertCase(
        "GenodTargetDown",
        at="10m",
        fires={
            "Triton": up("a", "1", "0x60"),
            "the probe": {f'up{{{PROBE},pod="a"}}': "0x60"},
            "Envoy": {f'up{{{ENVOY},pod="e"}}': "0x60"},
        },
        quiet={
            "up": up("a", "1", "1x60"),
            "one scrape": up("a", "1", "1x10 0x1 1x50"),
            "somebody else": {'up{namespace="other",job="genod-triton"}': "0x60"},
        },
    ),
    AlertCase(
        "GenodMetricsAbsent",
        at="10m",
        fires={"only Envoy is there": {f'up{{{ENVOY},pod="e"}}': "1x60"}},
        quiet={"one pod": up("a", "1", "1x60"), "a pod that is down is not absent": up("a", "1", "0x60")},
    ),
    AlertCase(
        "GenodPodsNotReady", at="25m", fires={"one of two": deployment(1, 2)}, quiet={"two of two": deployment(2, 2)}
    ),
    AlertCase(
        "GenodPodRestarts",
        at="20m",
        fires={"every two minutes": {RESTARTS: "0 0 0 0 1 1 1 1 2 2 2 2 3x40"}},
        quiet={"once": {RESTARTS: "0x10 1x40"}},
    ),
    AlertCase(
        "GenodRolloutStuck",
        at="5m",
        fires={"past the deadline": {NO_PROGRESS: "1x20"}},
        quiet={"still going": {NO_PROGRESS: "0x20"}},
    ),
    AlertCase(
        "GenodEngineBuildFailed",
        at="5m",
        fires={
            "the job": {BUILD_FAILED: "1x20"},
            "the init container": {INIT_RESTARTS: "0x4 1x16"},
        },
        quiet={
            "it runs": {BUILD_FAILED: "0x20"},
            "another job": {f'kube_job_failed{{{KUBE},job_name="backup-1",condition="true"}}': "1x20"},
        },
    ),
    AlertCase(
        "GenodAutoscalerAtMax",
        at="20m",
        fires={
            "4 of 4": {
                f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": "4x60",
                f"kube_horizontalpodautoscaler_spec_max_replicas{{{HPA}}}": "4x60",
            }
        },
        quiet={
            "3 of 4": {
                f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": "3x60",
                f"kube_horizontalpodautoscaler_spec_max_replicas{{{HPA}}}": "4x60",
            }
        },
    ),
    AlertCase(
        "GenodAutoscalerBlind",
        at="10m",
        fires={"inactive": {INACTIVE: "1x60"}},
        quiet={"active": {INACTIVE: "0x60"}},
    ),
    AlertCase(
        "GenodEnvoyEjectsPods",
        at="10m",
        fires={"one": {EJECTED: "1x60"}},
        quiet={"none": {EJECTED: "0x60"}},
    ),
    AlertCase(
        "GenodEnvoyOverflows",
        at="10m",
        fires={
            "circuit breaker": {
                PENDING_OVERFLOW: "0+30x60",
                RETRY_OVERFLOW: "0x60",
            },
            "retry budget": {
                PENDING_OVERFLOW: "0x60",
                RETRY_OVERFLOW: "0+30x60",
            },
        },
        quiet={
            "none": {
                PENDING_OVERFLOW: "7x60",
                RETRY_OVERFLOW: "7x60",
            }
        },
    ),
    AlertCase(
        "GenodNoHealthyPod",
        at="5m",
        fires={"none of two": {HEALTHY: "0x60"}},
        quiet={
            "one": {HEALTHY: "1x60"},
            "one Envoy of two has just started": {
                HEALTHY: "0x60",
                HEALTHY.replace('"e"', '"f"'): "2x60",
            },
            "the canary has no pods": {HEALTHY.replace("stable", "canary"): "0x60"},
        },
    ),
    AlertCase(
        "GenodCanaryWorse",
        at="15m",
        fires={
            "it fails a tenth": two_tracks(canary_failures="0+60x400", canary_us="0+30000000x400"),
            "it takes 200 ms": two_tracks(canary_failures="0+6x400", canary_us="0+60000000x400"),
        },
        quiet={
            "as the stable pods": two_tracks(canary_failures="0+6x400", canary_us="0+33000000x400"),
            "better": two_tracks(canary_failures="0x400", canary_us="0+15000000x400"),
            "hardly anybody asked it": two_tracks(
                canary_failures="0+0.4x400", canary_us="0+30000000x400", canary_requests="0+0.6x400"
            ),
        },
    ),
]
