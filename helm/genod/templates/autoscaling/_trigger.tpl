{{/*
One question of KEDA to Prometheus. Takes a dict: root, name, metricType, threshold, query, and activation or nothing.

Whether anybody calls is for the request rate to say. The other signals are never quite 0 while there is a pod, as its sidecar
infers too: they keep pods alive only above their targets.
*/}}
{{- define "genod.scaling.trigger" -}}
{{- $prometheus := .root.Values.autoscaling.prometheus }}
- type: prometheus
  name: {{ .name }}
  metricType: {{ .metricType }}
  metadata:
    serverAddress: {{ $prometheus.serverAddress | quote }}
    threshold: {{ .threshold | quote }}
    {{- if .root.Values.autoscaling.scaleToZero.enabled }}
    activationThreshold: {{ .activation | default .threshold | quote }}
    {{- end }}
    # No series is no work only where no pod may be right; elsewhere it is a failure, which the fallback answers.
    ignoreNullValues: {{ .root.Values.autoscaling.scaleToZero.enabled | quote }}
    {{- with $prometheus.authModes }}
    authModes: {{ . | quote }}
    {{- end }}
    query: |-
      {{- .query | nindent 6 }}
  {{- with $prometheus.triggerAuthentication }}
  authenticationRef:
    name: {{ . }}
  {{- end }}
{{- end }}
