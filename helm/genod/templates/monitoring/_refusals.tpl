{{/* Values of monitoring that contradict each other, in the words of whoever wrote them. */}}
{{- define "genod.monitoring.refusals" -}}
{{- $latency := .Values.monitoring.slo.latency }}
{{- if and (eq .Values.monitoring.slo.source "envoy") (not .Values.envoy.enabled) }}
{{- fail "monitoring.slo.source is envoy, but envoy.enabled is false: set source to triton or auto, or switch Envoy on" }}
{{- end }}
{{- $threshold := float64 $latency.thresholdMs }}
{{- $isBoundary := false }}
{{- $last := 0.0 }}
{{- range $latency.bucketsMs }}
{{- if le (float64 .) $last }}
{{- fail (printf "monitoring.slo.latency.bucketsMs must ascend, but %v follows %v" . $last) }}
{{- end }}
{{- $last = float64 . }}
{{- if eq (float64 .) $threshold }}
{{- $isBoundary = true }}
{{- end }}
{{- end }}
{{- if not $isBoundary }}
{{- fail (printf "monitoring.slo.latency.thresholdMs is %v, but must be one of bucketsMs (%s): a histogram knows only its own boundaries. Add it there" $latency.thresholdMs (join ", " $latency.bucketsMs)) }}
{{- end }}
{{- end }}
