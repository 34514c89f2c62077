{{/* Alerts about Envoy and the canary. */}}
{{- define "genod.monitoring.trafficAlerts" -}}
{{- $alerts := .Values.monitoring.alerts }}
{{- $triton := include "genod.monitoring.match" (dict "root" . "component" "triton") }}
{{- $zero := and .Values.autoscaling.enabled .Values.autoscaling.scaleToZero.enabled }}
{{- $envoy := printf "%s,envoy_cluster_name=~\"(stable|canary|region-.+)-(http|grpc)\"" (include "genod.monitoring.match" (dict "root" . "component" "envoy")) }}
{{- /* Retries are counted where a call is routed, at to-stable and to-canary, which stand before the pods' own clusters. */}}
{{- $routed := printf "%s,envoy_cluster_name=~\"((to-)?(stable|canary)|region-.+)-(http|grpc)\"" (include "genod.monitoring.match" (dict "root" . "component" "envoy")) -}}
- name: genod-traffic
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    {{- if .Values.envoy.enabled }}
    - alert: GenodEnvoyEjectsPods
      expr: max by (namespace, job, envoy_cluster_name) (envoy_cluster_outlier_detection_ejections_active{ {{- $envoy }}}) > 0
      for: {{ $alerts.envoyEjections.for }}
      labels: {severity: warning}
      annotations:
        summary: "Envoy keeps {{`{{ $value }} pods of {{ $labels.envoy_cluster_name }}`}} out of traffic"
        description: "They fail much more than the others. A pod that Kubernetes calls ready may be broken."
    - alert: GenodEnvoyOverflows
      expr: |-
        sum by (namespace, job, envoy_cluster_name) (
          rate(envoy_cluster_upstream_rq_pending_overflow{ {{- $routed }}}[5m]) + rate(envoy_cluster_upstream_rq_retry_overflow{ {{- $routed }}}[5m])
        ) > {{ $alerts.envoyOverflow.perSecond }}
      for: {{ $alerts.envoyOverflow.for }}
      labels: {severity: warning}
      annotations:
        summary: "Envoy refuses {{`{{ $value | humanize }} requests a second to {{ $labels.envoy_cluster_name }}`}}"
        description: "More requests are under way than its limits allow, or so many fail that the budget for retries is used up."
    {{- if not $zero }}
    - alert: GenodNoHealthyPod
      expr: max by (namespace, job, envoy_cluster_name) (envoy_cluster_membership_healthy{ {{- $envoy }},envoy_cluster_name=~"stable-.+"}) == 0
      for: {{ $alerts.noHealthyEndpoint.for }}
      labels: {severity: critical}
      annotations:
        summary: "Envoy knows no healthy pod of {{`{{ $labels.envoy_cluster_name }}`}}"
        description: "Every request fails, unless another region takes it."
    {{- end }}
    {{- end }}
    {{- if .Values.canary.enabled }}
    - alert: GenodCanaryWorse
      expr: |-
        (
          track:genod_failures:ratio_rate5m{ {{- $triton }},genod_track="canary"}
            > on (namespace, job) track:genod_failures:ratio_rate5m{ {{- $triton }},genod_track="stable"} + {{ $alerts.canaryWorse.errorRatioAbove }}
          or
          track:genod_request_ms:mean_rate5m{ {{- $triton }},genod_track="canary"}
            > on (namespace, job) {{ $alerts.canaryWorse.latencyFactor }} * track:genod_request_ms:mean_rate5m{ {{- $triton }},genod_track="stable"}
        )
        and on (namespace, job) track:genod_successes:rate5m{ {{- $triton }},genod_track="canary"} + track:genod_failures:rate5m{ {{- $triton }},genod_track="canary"} >= {{ $alerts.canaryWorse.minimumRequestsPerSecond }}
      for: {{ $alerts.canaryWorse.for }}
      labels: {severity: warning}
      annotations:
        summary: "The canary fails more often or is slower than the stable pods"
        description: "Release {{ .Values.canary.release }} beside {{ .Values.release.number }}. Set canary.weight to 0 before you look further."
    {{- end }}
{{- end }}
