{{/* tritonserver's flags for traces, one list item per line ("- --trace-config=..."), or nothing. Takes the root. */}}
{{- define "genod.tracing.args" -}}
{{- $tracing := .Values.tracing }}
{{- if $tracing.enabled }}
{{- if gt (int64 $tracing.batch.maxExportBatchSize) (int64 $tracing.batch.maxQueueSize) }}
{{- fail (printf "tracing.batch.maxExportBatchSize (%v) must not exceed tracing.batch.maxQueueSize (%v)" $tracing.batch.maxExportBatchSize $tracing.batch.maxQueueSize) }}
{{- end }}
- --trace-config=mode=opentelemetry
- --trace-config=level=TIMESTAMPS
- --trace-config=rate={{ int64 $tracing.oneIn }}
- --trace-config=count=-1
- {{ printf "--trace-config=opentelemetry,url=%s" $tracing.otlp.url | quote }}
- {{ printf "--trace-config=opentelemetry,resource=service.name=%s" $tracing.serviceName | quote }}
{{- range $name, $value := $tracing.resourceAttributes }}
- {{ printf "--trace-config=opentelemetry,resource=%s=%s" $name $value | quote }}
{{- end }}
- --trace-config=opentelemetry,bsp_max_queue_size={{ int64 $tracing.batch.maxQueueSize }}
- --trace-config=opentelemetry,bsp_schedule_delay={{ int64 $tracing.batch.scheduleDelayMs }}
- --trace-config=opentelemetry,bsp_max_export_batch_size={{ int64 $tracing.batch.maxExportBatchSize }}
{{- end }}
{{- end }}

{{/* For Envoy's connection manager: the `tracing` block, or nothing. Needs the cluster below. Takes the root. */}}
{{- define "genod.tracing.envoyManager" -}}
{{- $tracing := .Values.tracing }}
{{- if $tracing.enabled }}
tracing:
  # What the caller decided is kept; of the others one in so many.
  random_sampling: {value: {{ divf 100 (int64 $tracing.oneIn) }}}
  spawn_upstream_span: true
  provider:
    name: envoy.tracers.opentelemetry
    typed_config:
      "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
      service_name: {{ $tracing.serviceName }}-envoy
      grpc_service:
        timeout: 1s
        envoy_grpc: {cluster_name: traces}
{{- end }}
{{- end }}

{{/* For Envoy's static clusters: where spans go, or nothing. Takes the root. */}}
{{- define "genod.tracing.envoyCluster" -}}
{{- $tracing := .Values.tracing }}
{{- if $tracing.enabled }}
- name: traces
  type: STRICT_DNS
  connect_timeout: 1s
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: {http2_protocol_options: {}}
  load_assignment:
    cluster_name: traces
    endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: {{ $tracing.otlp.grpcHost | quote }}, port_value: {{ int64 $tracing.otlp.grpcPort }}}}}}]}]
{{- end }}
{{- end }}
