{{/* Name of the extended resource, or nothing with mode cpu. */}}
{{- define "genod.gpu.resource" -}}
{{- if eq .Values.gpu.mode "gpu" }}
{{- printf "%s/gpu" .Values.gpu.resourcePrefix }}
{{- else if eq .Values.gpu.mode "mig" }}
{{- if eq .Values.gpu.mig.strategy "mixed" }}
{{- printf "%s/mig-%s" .Values.gpu.resourcePrefix .Values.gpu.mig.profile }}
{{- else }}
{{- printf "%s/gpu" .Values.gpu.resourcePrefix }}
{{- end }}
{{- end }}
{{- end }}

{{/* Which configs/<target>.pbtxt the models take; nothing is config.pbtxt, ONNX Runtime on the CPU. */}}
{{- define "genod.gpu.target" -}}
{{- if .Values.gpu.target }}
{{- .Values.gpu.target }}
{{- else if eq .Values.gpu.mode "cpu" }}
{{- else if .Values.engines.enabled }}
{{- "tensorrt" }}
{{- else }}
{{- "onnxruntime-gpu" }}
{{- end }}
{{- end }}

{{/* nodeSelector, tolerations and runtimeClassName of a pod that holds a GPU, merged with what scheduling asks for. */}}
{{- define "genod.gpu.placement" -}}
{{- $nodeSelector := deepCopy .Values.scheduling.nodeSelector }}
{{- if and .Values.gpu.product (ne .Values.gpu.mode "cpu") }}
{{- $nodeSelector = set $nodeSelector (printf "%s/gpu.product" .Values.gpu.resourcePrefix) .Values.gpu.product }}
{{- end }}
{{- with $nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $tolerations := .Values.scheduling.tolerations }}
{{- if ne .Values.gpu.mode "cpu" }}
{{- $taint := dict "key" (printf "%s/gpu" .Values.gpu.resourcePrefix) "operator" "Exists" "effect" "NoSchedule" }}
{{- $tolerations = prepend $tolerations $taint }}
{{- with .Values.gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end }}
{{- with $tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
