{{/* One endpoint of a monitor, the same for both kinds. Takes a dict: root, port, component, path. */}}
{{- define "genod.monitoring.endpoint" -}}
- port: {{ .port }}
  path: {{ .path }}
  interval: {{ int64 .root.Values.monitoring.scrape.intervalSeconds }}s
  relabelings:
    - {action: replace, targetLabel: job, replacement: {{ include "genod.fullname" .root }}-{{ .component }}}
{{- end }}

{{/* A monitor of one component's pods. Takes a dict: root, component, endpoints (YAML), podLabels (list). */}}
{{- define "genod.monitoring.monitor" -}}
{{- $scrape := .root.Values.monitoring.scrape }}
{{- $isPods := eq $scrape.kind "PodMonitor" }}
apiVersion: monitoring.coreos.com/v1
kind: {{ $scrape.kind }}
metadata:
  name: {{ include "genod.fullname" .root }}-{{ .component }}
  labels:
    {{- include "genod.labels" (dict "root" .root "component" .component) | nindent 4 }}
    {{- with $scrape.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- include "genod.annotations" (dict "root" .root) | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "genod.selectorLabels" (dict "root" .root "component" .component) | nindent 6 }}
  namespaceSelector:
    matchNames: [{{ .root.Release.Namespace }}]
  {{- with .podLabels }}
  # Prometheus writes them genod_track and genod_release: releases and tracks can be told apart without any join.
  podTargetLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{ ternary "podMetricsEndpoints" "endpoints" $isPods }}:
    {{- .endpoints | nindent 4 }}
{{- end }}
