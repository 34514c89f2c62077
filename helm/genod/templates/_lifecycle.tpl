{{/* Arithmetic of starting and stopping, in seconds. */}}

{{- define "genod.lifecycle.minimumGraceSeconds" -}}
{{- add (int64 .Values.lifecycle.preStopSeconds) (int64 .Values.lifecycle.exitTimeoutSeconds) (int64 .Values.lifecycle.marginSeconds) }}
{{- end }}

{{- define "genod.lifecycle.graceSeconds" -}}
{{- if kindIs "invalid" .Values.lifecycle.terminationGracePeriodSeconds }}
{{- include "genod.lifecycle.minimumGraceSeconds" . }}
{{- else }}
{{- int64 .Values.lifecycle.terminationGracePeriodSeconds }}
{{- end }}
{{- end }}

{{- define "genod.lifecycle.startupFailureThreshold" -}}
{{- div (add (int64 .Values.probes.startupBudgetSeconds) (int64 .Values.probes.startupPeriodSeconds) -1) (int64 .Values.probes.startupPeriodSeconds) }}
{{- end }}

{{/* 600: fetching the release and building engines come before the startup budget begins. */}}
{{- define "genod.lifecycle.progressDeadlineSeconds" -}}
{{- if kindIs "invalid" .Values.rollout.progressDeadlineSeconds }}
{{- $deadline := add (int64 .Values.probes.startupBudgetSeconds) (int64 .Values.rollout.minReadySeconds) 600 }}
{{- if and .Values.engines.enabled (eq .Values.engines.builder "init") }}
{{- $deadline = add $deadline (int64 .Values.engines.job.activeDeadlineSeconds) }}
{{- end }}
{{- $deadline }}
{{- else }}
{{- int64 .Values.rollout.progressDeadlineSeconds }}
{{- end }}
{{- end }}
