{{/*
Which series belong to this installation. The monitors set job and copy the pods' labels genod/track and genod/release into
genod_track and genod_release, so that no rule needs to join with anything.
*/}}

{{/* Label matchers without braces. Takes a dict: root, component (triton, probe, envoy). */}}
{{- define "genod.monitoring.match" -}}
namespace={{ .root.Release.Namespace | quote }},job="{{ include "genod.fullname" .root }}-{{ .component }}"
{{- end }}

{{/* Matcher of what callers ask for, whose series count requests and not steps. Takes the root. */}}
{{- define "genod.monitoring.ensembles" -}}
model=~{{ join "|" .Values.release.ensembles | quote }}
{{- end }}

{{/* Matcher of everything else: the steps. Takes the root. */}}
{{- define "genod.monitoring.steps" -}}
model!~{{ join "|" .Values.release.ensembles | quote }}
{{- end }}

{{/* Matchers of callers' requests at Envoy. Takes the root. */}}
{{- define "genod.monitoring.matchCallers" -}}
{{ include "genod.monitoring.match" (dict "root" . "component" "envoy") }},envoy_http_conn_manager_prefix=~"http|grpc"
{{- end }}

{{/* envoy or triton: where budgets are judged. Takes the root. */}}
{{- define "genod.monitoring.sloSource" -}}
{{- if eq .Values.monitoring.slo.source "auto" }}
{{- ternary "envoy" "triton" .Values.envoy.enabled }}
{{- else }}
{{- .Values.monitoring.slo.source }}
{{- end }}
{{- end }}

{{/* 0.001 for 99.9 per cent. */}}
{{- define "genod.monitoring.budget" -}}
{{- divf (subf 100 (float64 .)) 100 | printf "%.6f" }}
{{- end }}
