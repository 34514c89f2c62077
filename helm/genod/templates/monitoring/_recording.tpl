{{/* Recording rules, named level:metric:operations. Each keeps namespace and job, so that installations stay apart. */}}
{{- define "genod.monitoring.recordingRules" -}}
{{- $triton := include "genod.monitoring.match" (dict "root" . "component" "triton") }}
{{- $ensembles := include "genod.monitoring.ensembles" . }}
{{- $steps := include "genod.monitoring.steps" . -}}
- name: genod-triton-recording
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    - record: pod:genod_pending_requests:sum
      expr: sum by (namespace, job, genod_track, pod) (nv_inference_pending_request_count{ {{- $triton }}})
    - record: track:genod_pending_requests_per_pod:avg
      expr: avg by (namespace, job, genod_track) (pod:genod_pending_requests:sum{ {{- $triton }}})
    - record: track:genod_successes:rate5m
      expr: sum by (namespace, job, genod_track) (rate(nv_inference_request_success{ {{- $triton }},{{ $ensembles }}}[5m]))
    - record: track:genod_failures:rate5m
      # Triton counts a request that fails inside an ensemble twice: for the step that failed, and for the caller.
      expr: sum by (namespace, job, genod_track) (rate(nv_inference_request_failure{ {{- $triton }},{{ $ensembles }}}[5m])) / 2
    - record: track:genod_failures:ratio_rate5m
      expr: |-
        track:genod_failures:rate5m{ {{- $triton }}}
          / clamp_min(track:genod_successes:rate5m{ {{- $triton }}} + track:genod_failures:rate5m{ {{- $triton }}}, 1e-9)
    - record: track:genod_request_ms:mean_rate5m
      expr: |-
        1e-3 * sum by (namespace, job, genod_track) (rate(nv_inference_request_duration_us{ {{- $triton }},{{ $ensembles }}}[5m]))
          / (sum by (namespace, job, genod_track) (rate(nv_inference_request_success{ {{- $triton }},{{ $ensembles }}}[5m])) > 0)
    - record: track:genod_queue_ms_per_request:ratio_rate1m
      expr: |-
        1e-3 * sum by (namespace, job, genod_track) (rate(nv_inference_queue_duration_us{ {{- $triton }},{{ $steps }}}[1m]))
          / clamp_min(sum by (namespace, job, genod_track) (rate(nv_inference_request_success{ {{- $triton }},{{ $ensembles }}}[1m])), 0.001)
    - record: model:genod_batch_size:mean_rate5m
      expr: |-
        sum by (namespace, job, genod_track, model) (rate(nv_inference_count{ {{- $triton }},{{ $steps }}}[5m]))
          / (sum by (namespace, job, genod_track, model) (rate(nv_inference_exec_count{ {{- $triton }},{{ $steps }}}[5m])) > 0)
    {{- if .Values.triton.responseCache.enabled }}
    - record: job:genod_cache_lookups:rate30m
      expr: |-
        sum by (namespace, job) (rate(nv_cache_num_hits_per_model{ {{- $triton }}}[30m]))
          + sum by (namespace, job) (rate(nv_cache_num_misses_per_model{ {{- $triton }}}[30m]))
    - record: job:genod_cache_hits:ratio_rate30m
      expr: |-
        sum by (namespace, job) (rate(nv_cache_num_hits_per_model{ {{- $triton }}}[30m]))
          / (job:genod_cache_lookups:rate30m{ {{- $triton }}} > 0)
    {{- end }}
{{- end }}
