{{/* Name of an external metric: all installations of a cluster share one list. Takes a dict: root, name. */}}
{{- define "genod.scaling.externalName" -}}
{{- include "genod.fullname" .root | replace "-" "_" }}_{{ .name }}
{{- end }}

{{/* One external metric of prometheus-adapter. Takes a dict: root, name, component, series, query. */}}
{{- define "genod.scaling.adapterRule" -}}
- seriesQuery: '{{ .series }}{ {{- include "genod.monitoring.match" . }}}'
  resources: {overrides: {namespace: {resource: namespace}}}
  name: {as: {{ include "genod.scaling.externalName" . }}}
  metricsQuery: |-
    {{- .query | nindent 4 }}
{{- end }}
