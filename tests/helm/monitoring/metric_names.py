"""Which metrics the chart's queries may use, and who writes them."""

import re

#: Not metrics: words of PromQL, and what follows `by`, `on`, `offset` and the like is cut away before.
WORDS = set(
    [
        "and",
        "or",
        "unless",
        "by",
        "on",
        "ignoring",
        "without",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "sum",
        "avg",
        "max",
        "min",
        "count",
        "rate",
        "increase",
        "deriv",
        "absent",
        "clamp_min",
        "histogram_quantile",
        "label_replace",
        "max_over_time",
        "avg_over_time",
    ]
)
#: On every Prometheus.
OWN = {"up", "ALERTS"}
#: tritonserver with a GPU, without MIG; the test machine has none.
NEED_GPU = {"nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes", "nv_gpu_utilization", "nv_gpu_power_usage"}
#: kube-state-metrics.
NEED_KUBE_STATE_METRICS = {
    "kube_deployment_status_replicas_available",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_condition",
    "kube_pod_container_status_restarts_total",
    "kube_pod_init_container_status_restarts_total",
    "kube_job_failed",
    "kube_horizontalpodautoscaler_status_current_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_status_condition",
}
#: Envoy makes the counter of a gRPC status when it first sees that status.
APPEAR_WITH_FAILURES = {f"envoy_cluster_grpc_{status}" for status in (2, 4, 13, 14, 15)}


def metrics_in(expression: str) -> set[str]:
    """Names of metrics in an expression, those of recording rules excluded."""
    text = re.sub(r"#.*", "", expression)
    text = re.sub(r'"[^"]*"', "", text)
    text = re.sub(r"\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\{[^}]*\}", " ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    text = re.sub(r"\boffset\s+\S+", " ", text)
    names = re.findall(r"(?<![\w:.])[a-zA-Z_][\w:]*", text)
    return {name for name in names if name not in WORDS and ":" not in name}
