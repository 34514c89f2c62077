{{/* tritonserver's command line, one flag per list item. Takes the root. */}}
{{- define "genod.triton.arguments" -}}
{{ include "genod.triton.computedArguments" . }}
{{- range .Values.triton.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- define "genod.triton.computedArguments" -}}
{{- $triton := .Values.triton }}
- --model-repository={{ ternary "/linked" "/models/current" .Values.engines.enabled }}
- --model-control-mode={{ $triton.modelControlMode }}
{{- if eq $triton.modelControlMode "explicit" }}
- --load-model=*
{{- end }}
{{- with include "genod.gpu.target" . }}
- --model-config-name={{ . }}
{{- end }}
# Auto-complete adds batching to ONNX models by itself; the released configs are the truth.
- --disable-auto-complete-config
- --strict-readiness=true
- --exit-timeout-secs={{ int64 .Values.lifecycle.exitTimeoutSeconds }}
- --model-load-thread-count={{ int64 $triton.modelLoadThreads }}
- --http-port=8000
- --http-thread-count={{ int64 $triton.httpThreads }}
- --grpc-port=8001
{{- if gt (int64 $triton.grpc.maxConnectionAgeSeconds) 0 }}
- --grpc-max-connection-age={{ mul 1000 (int64 $triton.grpc.maxConnectionAgeSeconds) }}
- --grpc-max-connection-age-grace={{ mul 1000 (int64 $triton.grpc.maxConnectionAgeGraceSeconds) }}
{{- end }}
{{- if and .Values.restrictedApi.enabled .Values.restrictedApi.categories }}
{{- $rule := printf "%s:%s=$(RESTRICTED_API_KEY)" (join "," .Values.restrictedApi.categories) .Values.restrictedApi.header }}
- {{ printf "--http-restricted-api=%s" $rule | quote }}
- {{ printf "--grpc-restricted-protocol=%s" $rule | quote }}
{{- end }}
{{- if $triton.clientSharedMemory }}
- --allow-client-shm=true
{{- end }}
- --allow-metrics=true
- --metrics-port=8002
- --metrics-interval-ms={{ int64 $triton.metrics.intervalMs }}
# Triton has no nv_gpu_* for slices.
- --allow-gpu-metrics={{ eq .Values.gpu.mode "gpu" }}
- --metrics-config=summary_latencies={{ $triton.metrics.latencySummaries }}
- --pinned-memory-pool-byte-size={{ include "genod.memory.pinnedPoolBytes" . }}
{{- if ne .Values.gpu.mode "cpu" }}
# The pod sees one GPU only, so it is number 0.
- --cuda-memory-pool-byte-size=0:{{ include "genod.memory.cudaPoolBytes" . }}
{{- end }}
{{- if $triton.responseCache.enabled }}
- --cache-config=local,size={{ mul 1048576 (int64 $triton.responseCache.sizeMiB) }}
{{- end }}
- --log-verbose={{ int64 $triton.log.verbose }}
- --log-format={{ $triton.log.format }}
{{- with include "genod.tracing.args" . | trim }}
{{ . }}
{{- end }}
{{- end }}
