{{/*
What an autoscaler asks Prometheus. Each takes the root and gives one number for all stable pods together.

The same text serves KEDA, the rules of prometheus-adapter and the tests.
*/}}

{{/*
Waiting requests of all pods; the autoscaler divides by the number of pods. Queues are added up over models: an average over
models would shrink with every model that has nothing to do.
*/}}
{{- define "genod.scaling.pendingRequests" -}}
{{- $match := include "genod.monitoring.match" (dict "root" . "component" "triton") -}}
sum(avg_over_time(nv_inference_pending_request_count{ {{- $match }},genod_track="stable"}[{{ .Values.autoscaling.signals.pendingRequests.window }}]))
{{- end }}

{{/*
Milliseconds that one request of a caller waits in the queues of all its steps. Divided by the callers' requests, not
by the steps' own. Steps that run side by side both count, so this is an upper bound.
*/}}
{{- define "genod.scaling.queueTimeMs" -}}
{{- $match := include "genod.monitoring.match" (dict "root" . "component" "triton") -}}
{{- $window := .Values.autoscaling.signals.queueTime.window -}}
1e-3 * sum(rate(nv_inference_queue_duration_us{ {{- $match }},genod_track="stable",{{ include "genod.monitoring.steps" . }}}[{{ $window }}])) / clamp_min(sum(rate(nv_inference_request_success{ {{- $match }},genod_track="stable",{{ include "genod.monitoring.ensembles" . }}}[{{ $window }}])), 0.001)
{{- end }}

{{/* Callers' requests per second at Envoy: it is there before the first pod of Triton is. */}}
{{- define "genod.scaling.requestRate" -}}
sum(rate(envoy_http_downstream_rq_total{ {{- include "genod.monitoring.matchCallers" . }}}[{{ .Values.autoscaling.signals.requestRate.window }}]))
{{- end }}

{{/* Seconds of lower need before a pod goes. */}}
{{- define "genod.scaling.scaleDownSeconds" -}}
{{- if kindIs "invalid" .Values.autoscaling.scaleDown.stabilizationSeconds }}
{{- min 3600 (int64 .Values.probes.startupBudgetSeconds) }}
{{- else }}
{{- int64 .Values.autoscaling.scaleDown.stabilizationSeconds }}
{{- end }}
{{- end }}

{{/* Pods when Prometheus does not answer. */}}
{{- define "genod.scaling.fallbackReplicas" -}}
{{- $autoscaling := .Values.autoscaling }}
{{- if kindIs "invalid" $autoscaling.fallback.replicas }}
{{- max (int64 $autoscaling.minReplicas) (div (add1 (int64 $autoscaling.maxReplicas)) 2) }}
{{- else }}
{{- int64 $autoscaling.fallback.replicas }}
{{- end }}
{{- end }}

{{/* The behavior of a HorizontalPodAutoscaler, which KEDA passes on. */}}
{{- define "genod.scaling.behavior" -}}
{{- $up := .Values.autoscaling.scaleUp }}
{{- $down := .Values.autoscaling.scaleDown }}
scaleUp:
  stabilizationWindowSeconds: {{ int64 $up.stabilizationSeconds }}
  policies:
    - {type: Pods, value: {{ int64 $up.pods }}, periodSeconds: {{ int64 $up.periodSeconds }}}
scaleDown:
  # Not shorter than a start: whatever goes earlier may be needed again before it could have come back.
  stabilizationWindowSeconds: {{ include "genod.scaling.scaleDownSeconds" . }}
  policies:
    - {type: Pods, value: {{ int64 $down.pods }}, periodSeconds: {{ int64 $down.periodSeconds }}}
{{- end }}
