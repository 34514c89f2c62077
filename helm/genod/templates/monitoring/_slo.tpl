{{/*
Budgets for errors and for latency, and how fast they burn.

Two windows for each alert: the long one says that it matters, the short one that it still goes on. Latency is judged by a
histogram at Envoy, as a share of requests above the target: shares add up over pods, percentiles do not. Triton's own
histogram exists for decoupled models only, its summaries are percentiles per pod.
*/}}

{{/* Callers' requests per second over a window, by namespace and job. Takes a dict: root, window. */}}
{{- define "genod.slo.requests" -}}
{{- if eq (include "genod.monitoring.sloSource" .root) "envoy" -}}
sum by (namespace, job) (rate(envoy_http_downstream_rq_completed{ {{- include "genod.monitoring.matchCallers" .root }}}[{{ .window }}]))
{{- else -}}
{{- $match := printf "%s,%s" (include "genod.monitoring.match" (dict "root" .root "component" "triton")) (include "genod.monitoring.ensembles" .root) -}}
sum by (namespace, job) (rate(nv_inference_request_success{ {{- $match }}}[{{ .window }}]))
  + sum by (namespace, job) (rate(nv_inference_request_failure{ {{- $match }}}[{{ .window }}])) / 2
{{- end }}
{{- end }}

{{/* Those of them that failed by our fault. Takes the same dict. */}}
{{- define "genod.slo.failures" -}}
{{- if eq (include "genod.monitoring.sloSource" .root) "envoy" -}}
{{- $envoy := include "genod.monitoring.match" (dict "root" .root "component" "envoy") -}}
{{- $window := .window -}}
# A failed gRPC call is HTTP 200: its own status counts. UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
sum by (namespace, job) (
  rate(envoy_http_downstream_rq_xx{ {{- include "genod.monitoring.matchCallers" .root }},envoy_response_code_class="5"}[{{ $window }}])
  {{- range list 2 4 13 14 15 }}
  or label_replace(rate(envoy_cluster_grpc_{{ . }}{ {{- $envoy }}}[{{ $window }}]), "grpc_status", "{{ . }}", "", "")
  {{- end }}
)
{{- else -}}
{{- $match := printf "%s,%s" (include "genod.monitoring.match" (dict "root" .root "component" "triton")) (include "genod.monitoring.ensembles" .root) -}}
# Counted twice by Triton: for the step that failed, and for the caller.
sum by (namespace, job) (rate(nv_inference_request_failure{ {{- $match }}}[{{ .window }}])) / 2
{{- end }}
{{- end }}

{{/* Every window that an alert looks at, once. A YAML list. Takes the root. */}}
{{- define "genod.slo.windows" -}}
{{- $windows := list }}
{{- range concat .Values.monitoring.slo.pageOn .Values.monitoring.slo.ticketOn }}
{{- $windows = append $windows .long }}
{{- $windows = append $windows .short }}
{{- end }}
{{- $windows | uniq | toYaml }}
{{- end }}

{{- define "genod.slo.recordingRules" -}}
{{- $root := . }}
{{- $latency := .Values.monitoring.slo.latency }}
{{- $callers := include "genod.monitoring.matchCallers" . }}
{{- $isEnvoy := eq (include "genod.monitoring.sloSource" .) "envoy" -}}
- name: genod-slo-recording
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    {{- range include "genod.slo.windows" . | fromYamlArray }}
    - record: job:genod_requests:rate{{ . }}
      expr: |-
        {{- include "genod.slo.requests" (dict "root" $root "window" .) | nindent 8 }}
    - record: job:genod_errors:ratio_rate{{ . }}
      expr: |-
        {{- include "genod.slo.failures" (dict "root" $root "window" .) | nindent 8 }}
          / (job:genod_requests:rate{{ . }}{namespace={{ $root.Release.Namespace | quote }},job="{{ include "genod.fullname" $root }}-{{ include "genod.monitoring.sloSource" $root }}"} > 0)
    {{- if $isEnvoy }}
    - record: job:genod_slow_requests:ratio_rate{{ . }}
      expr: |-
        1 - sum by (namespace, job) (rate(envoy_http_downstream_rq_time_bucket{ {{- $callers }},le={{ $latency.thresholdMs | toString | quote }}}[{{ . }}]))
          / (sum by (namespace, job) (rate(envoy_http_downstream_rq_time_count{ {{- $callers }}}[{{ . }}])) > 0)
    {{- end }}
    {{- end }}
    {{- if $isEnvoy }}
    - record: job:genod_latency_ms:p99_rate5m
      expr: histogram_quantile(0.99, sum by (namespace, job, le) (rate(envoy_http_downstream_rq_time_bucket{ {{- $callers }}}[5m])))
    {{- end }}
{{- end }}

{{/* Any of some pairs of windows burns. Takes a dict: root, metric, budget, pairs. */}}
{{- define "genod.slo.burns" -}}
{{- $metric := .metric }}
{{- $budget := .budget }}
{{- $enough := .root.Values.monitoring.slo.minimumRequestsPerSecond }}
{{- $match := printf "{namespace=%q,job=\"%s-%s\"}" .root.Release.Namespace (include "genod.fullname" .root) (include "genod.monitoring.sloSource" .root) }}
{{- range $index, $pair := .pairs }}
{{- if $index }}
or
{{ end -}}
(
  job:{{ $metric }}:ratio_rate{{ $pair.long }}{{ $match }} > {{ $pair.factor }} * {{ $budget }}
  and job:{{ $metric }}:ratio_rate{{ $pair.short }}{{ $match }} > {{ $pair.factor }} * {{ $budget }}
  and job:genod_requests:rate{{ $pair.long }}{{ $match }} >= {{ $enough }}
)
{{- end }}
{{- end }}

{{- define "genod.slo.alerts" -}}
{{- $slo := .Values.monitoring.slo }}
{{- $isEnvoy := eq (include "genod.monitoring.sloSource" .) "envoy" }}
{{- $errorBudget := include "genod.monitoring.budget" $slo.errors.objectivePercent }}
{{- $latencyBudget := include "genod.monitoring.budget" $slo.latency.objectivePercent -}}
- name: genod-slo
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    - alert: GenodErrorBudgetBurnsFast
      expr: |-
        {{- include "genod.slo.burns" (dict "root" . "metric" "genod_errors" "budget" $errorBudget "pairs" $slo.pageOn) | nindent 8 }}
      for: {{ $slo.for }}
      labels: {severity: critical}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }}`}} of the requests to {{ include "genod.fullname" . }} fail"
        description: "The target is {{ $slo.errors.objectivePercent }} % without errors. At this rate a month's budget is gone within days or hours."
    - alert: GenodErrorBudgetBurnsSlowly
      expr: |-
        {{- include "genod.slo.burns" (dict "root" . "metric" "genod_errors" "budget" $errorBudget "pairs" $slo.ticketOn) | nindent 8 }}
      for: {{ $slo.for }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }}`}} of the requests to {{ include "genod.fullname" . }} have failed for a long time"
        description: "The target is {{ $slo.errors.objectivePercent }} % without errors. The month's budget will not last."
    {{- if $isEnvoy }}
    - alert: GenodLatencyBudgetBurnsFast
      expr: |-
        {{- include "genod.slo.burns" (dict "root" . "metric" "genod_slow_requests" "budget" $latencyBudget "pairs" $slo.pageOn) | nindent 8 }}
      for: {{ $slo.for }}
      labels: {severity: critical}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }}`}} of the requests to {{ include "genod.fullname" . }} take longer than {{ $slo.latency.thresholdMs }} ms"
        description: "The target is {{ $slo.latency.objectivePercent }} % within {{ $slo.latency.thresholdMs }} ms, measured at Envoy. At this rate a month's budget is gone within days or hours."
    - alert: GenodLatencyBudgetBurnsSlowly
      expr: |-
        {{- include "genod.slo.burns" (dict "root" . "metric" "genod_slow_requests" "budget" $latencyBudget "pairs" $slo.ticketOn) | nindent 8 }}
      for: {{ $slo.for }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }}`}} of the requests to {{ include "genod.fullname" . }} have taken longer than {{ $slo.latency.thresholdMs }} ms for a long time"
        description: "The target is {{ $slo.latency.objectivePercent }} % within {{ $slo.latency.thresholdMs }} ms, measured at Envoy. The month's budget will not last."
    {{- else if .Values.triton.metrics.latencySummaries }}
    - alert: GenodPodLatencyAboveTarget
      # Percentiles of pods cannot be added up, but the percentile of all requests is never above the worst pod's.
      expr: |-
        max by (namespace, job, genod_track, pod, model) (
          nv_inference_request_summary_us{ {{- include "genod.monitoring.match" (dict "root" . "component" "triton") }},{{ include "genod.monitoring.ensembles" . }},quantile="0.99"}
        ) / 1e3 > {{ $slo.latency.thresholdMs }}
      for: {{ $slo.for }}
      labels: {severity: critical}
      annotations:
        summary: "p99 of {{`{{ $labels.model }} in {{ $labels.pod }} is {{ $value | humanize }}`}} ms"
        description: "The target is {{ $slo.latency.thresholdMs }} ms. Measured inside Triton, without the network and Envoy."
    {{- end }}
{{- end }}
