{{/* Which Gateway and which host names. Takes a dict: root, section (listener of the Gateway, or empty). */}}
{{- define "genod.gatewayApi.parents" -}}
{{- $section := .section -}}
parentRefs:
  {{- range .root.Values.gatewayApi.parentRefs }}
  {{- $parent := . }}
  {{- if $section }}
  {{- $parent = merge (dict "sectionName" $section) . }}
  {{- end }}
  - {{ toJson $parent }}
  {{- end }}
{{- with .root.Values.gatewayApi.hostnames }}
hostnames: {{ toJson . }}
{{- end }}
{{- end }}

{{/* Envoy, which splits by itself; without it the tracks by weight. Takes a dict: root, port. */}}
{{- define "genod.gatewayApi.backends" -}}
{{- $fullname := include "genod.fullname" .root -}}
{{- $canary := .root.Values.canary -}}
{{- if .root.Values.envoy.enabled -}}
- {name: {{ $fullname }}-envoy, port: {{ .port }}}
{{- else if $canary.enabled -}}
- {name: {{ $fullname }}-triton-stable, port: {{ .port }}, weight: {{ sub 100 ($canary.weight | int64) }}}
- {name: {{ $fullname }}-triton-canary, port: {{ .port }}, weight: {{ $canary.weight | int64 }}}
{{- else -}}
- {name: {{ $fullname }}-triton-stable, port: {{ .port }}}
{{- end }}
{{- end }}
