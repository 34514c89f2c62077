"""The structure of the custom resources that the chart makes, written by hand from their published definitions.

Kubernetes' schemas hold built-in kinds only. These hold the fields which the chart uses, and refuse any other: a
misspelt or misplaced field is found, a wrong meaning is not. Queries and rules are judged by promtool elsewhere.
"""

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d|w|y))+$"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def obj(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with exactly these fields."""
    return {
        "type": "object",
        "required": sorted(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def items(schema: Schema, *, at_most: int | None = None) -> Schema:
    limit = {} if at_most is None else {"maxItems": at_most}
    return {"type": "array", "minItems": 1, "items": schema, **limit}


def one_of(*choices: str) -> Schema:
    return {"enum": list(choices)}


# github.com/prometheus-operator, monitoring.coreos.com/v1
RELABELING = obj(
    {"action": TEXT},
    {"targetLabel": TEXT, "replacement": {"type": "string"}, "sourceLabels": items(TEXT), "regex": TEXT},
)
ENDPOINT = obj(
    {"port": TEXT},
    {"path": TEXT, "interval": DURATION, "scrapeTimeout": DURATION, "scheme": one_of("http", "https")}
    | {"relabelings": items(RELABELING), "metricRelabelings": items(RELABELING), "honorLabels": {"type": "boolean"}},
)
MONITOR_PARTS: Schema = {"selector": obj({"matchLabels": TEXTS})}
MONITOR_OPTIONS: Schema = {"namespaceSelector": obj({"matchNames": items(TEXT)}), "podTargetLabels": items(TEXT)}
RULE = {
    "oneOf": [
        obj({"record": {"type": "string", "pattern": r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"}, "expr": TEXT}, {"labels": TEXTS}),
        obj(
            {"alert": TEXT, "expr": TEXT},
            {"for": DURATION, "keep_firing_for": DURATION, "labels": TEXTS, "annotations": TEXTS},
        ),
    ]
}

# KEDA, keda.sh/v1alpha1
SCALING_RULES = obj(
    {"policies": items(obj({"type": one_of("Pods", "Percent"), "value": COUNT, "periodSeconds": COUNT}))},
    {"stabilizationWindowSeconds": COUNT, "selectPolicy": one_of("Max", "Min", "Disabled")},
)
TRIGGER = obj(
    {"type": TEXT, "metadata": TEXTS},
    {"name": TEXT, "metricType": one_of("AverageValue", "Value"), "authenticationRef": obj({"name": TEXT})}
    | {"useCachedMetrics": {"type": "boolean"}},
)

# The Gateway API, gateway.networking.k8s.io/v1
PARENT = obj({"name": TEXT}, {"namespace": TEXT, "sectionName": TEXT, "port": COUNT, "kind": TEXT, "group": TEXT})
BACKEND = obj({"name": TEXT, "port": COUNT}, {"weight": {"type": "integer", "minimum": 0, "maximum": 1_000_000}})
HEADER = obj({"name": TEXT, "value": TEXT}, {"type": one_of("Exact", "RegularExpression")})
HTTP_MATCH = obj(
    {}, {"path": obj({"type": one_of("Exact", "PathPrefix"), "value": {"type": "string", "pattern": "^/"}})}
    | {"headers": items(HEADER), "method": TEXT},
)  # fmt: skip
GRPC_MATCH = obj(
    {}, {"method": obj({"type": one_of("Exact"), "service": TEXT}, {"method": TEXT})} | {"headers": items(HEADER)}
)


def route(match: Schema, rule_options: Schema) -> Schema:
    rule = obj({"backendRefs": items(BACKEND)}, {"matches": items(match, at_most=8), **rule_options})
    return obj({"parentRefs": items(PARENT), "rules": items(rule, at_most=16)}, {"hostnames": items(TEXT)})


SPECS: dict[tuple[str, str], Schema] = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): obj(
        {**MONITOR_PARTS, "endpoints": items(ENDPOINT)}, MONITOR_OPTIONS
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): obj(
        {**MONITOR_PARTS, "podMetricsEndpoints": items(ENDPOINT)}, MONITOR_OPTIONS
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): obj(
        {"groups": items(obj({"name": TEXT, "rules": items(RULE)}, {"interval": DURATION}))}
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): obj(
        {"scaleTargetRef": obj({"name": TEXT}, {"kind": TEXT, "apiVersion": TEXT}), "triggers": items(TRIGGER)},
        {"pollingInterval": COUNT, "cooldownPeriod": COUNT, "minReplicaCount": COUNT, "maxReplicaCount": COUNT}
        | {
            "idleReplicaCount": COUNT,
            "fallback": obj({"failureThreshold": COUNT, "replicas": COUNT}, {"behavior": TEXT}),
        }
        | {
            "advanced": obj(
                {},
                {"restoreToOriginalReplicaCount": {"type": "boolean"}}
                | {
                    "horizontalPodAutoscalerConfig": obj(
                        {}, {"name": TEXT, "behavior": obj({}, {"scaleUp": SCALING_RULES, "scaleDown": SCALING_RULES})}
                    )
                },
            )
        },
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): route(
        HTTP_MATCH, {"timeouts": obj({}, {"request": DURATION, "backendRequest": DURATION})}
    ),
    ("gateway.networking.k8s.io/v1", "GRPCRoute"): route(GRPC_MATCH, {}),
}


def problems(manifest: dict[str, Any]) -> list[str]:
    """What does not fit the definition of a custom resource, one line each."""
    kind = (manifest["apiVersion"], manifest["kind"])
    if kind not in SPECS:
        return [f"{kind} is neither built into Kubernetes nor described in {__name__}"]
    envelope = obj({"apiVersion": TEXT, "kind": TEXT, "metadata": {"type": "object"}, "spec": SPECS[kind]})
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    return [
        f"{name} {error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(envelope).iter_errors(manifest)
    ]
