{{/* Names and labels: every other template takes them from here. */}}

{{- define "genod.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* <release>-genod, or <release> alone where it says genod already. 40 characters leave room for the suffixes. */}}
{{- define "genod.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "genod.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "genod.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What a Service or a Deployment selects by. Takes a dict: root, component, and for Triton's pods track. */}}
{{- define "genod.selectorLabels" -}}
app.kubernetes.io/name: {{ include "genod.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .track }}
genod/track: {{ . }}
{{- end }}
{{- end }}

{{/* All labels of an object. Takes the same dict. */}}
{{- define "genod.labels" -}}
{{ include "genod.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The annotations key of an object; empty rather than missing, so that callers leave no blank line. Takes a dict: root, and as
extra a map of the object's own. */}}
{{- define "genod.annotations" -}}
{{- with merge (dict) (.extra | default dict) (.root.Values.commonAnnotations | default dict) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- else -}}
annotations: {}
{{- end }}
{{- end }}
