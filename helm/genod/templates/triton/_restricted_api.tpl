{{- define "genod.restrictedApi.secretName" -}}
{{- .Values.restrictedApi.existingSecret | default (printf "%s-restricted-api" (include "genod.fullname" .)) }}
{{- end }}

{{/* Where an environment variable takes the key from. Takes the root. */}}
{{- define "genod.restrictedApi.keyReference" -}}
valueFrom:
  secretKeyRef:
    name: {{ include "genod.restrictedApi.secretName" . }}
    key: {{ .Values.restrictedApi.secretKey }}
{{- end }}
