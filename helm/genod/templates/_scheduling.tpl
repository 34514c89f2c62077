{{/* affinity, topologySpreadConstraints and priorityClassName of Triton's pods. Takes the dict of genod.selectorLabels. */}}
{{- define "genod.scheduling.pod" -}}
{{- $scheduling := .root.Values.scheduling }}
{{- with $scheduling.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $scheduling.topologySpread.enabled }}
{{- $selector := include "genod.selectorLabels" . }}
topologySpreadConstraints:
  {{- range $topologyKey, $whenUnsatisfiable := dict "kubernetes.io/hostname" $scheduling.topologySpread.nodes "topology.kubernetes.io/zone" $scheduling.topologySpread.zones }}
  - topologyKey: {{ $topologyKey }}
    maxSkew: {{ int64 $scheduling.topologySpread.maxSkew }}
    whenUnsatisfiable: {{ $whenUnsatisfiable }}
    # Only pods of the same revision count, so that a rolling update ends as evenly spread as it began.
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}
{{- with include "genod.scheduling.priorityClassName" .root }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "genod.scheduling.priorityClassName" -}}
{{- if .Values.scheduling.priorityClass.name }}
{{- .Values.scheduling.priorityClass.name }}
{{- else if .Values.scheduling.priorityClass.create }}
{{- include "genod.fullname" . }}
{{- end }}
{{- end }}

{{/* A class that exists before the chart's own objects do: hooks can use no other. */}}
{{- define "genod.scheduling.existingPriorityClassName" -}}
{{- if not .Values.scheduling.priorityClass.create }}
{{- .Values.scheduling.priorityClass.name }}
{{- end }}
{{- end }}
