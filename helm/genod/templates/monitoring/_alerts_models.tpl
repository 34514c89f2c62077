{{/* Alerts about models, queues, memory and releases: what Triton and its probe tell. */}}
{{- define "genod.monitoring.modelAlerts" -}}
{{- $alerts := .Values.monitoring.alerts }}
{{- $triton := include "genod.monitoring.match" (dict "root" . "component" "triton") }}
{{- $probe := include "genod.monitoring.match" (dict "root" . "component" "probe") }}
{{- $ensembles := include "genod.monitoring.ensembles" . }}
{{- $steps := include "genod.monitoring.steps" . -}}
- name: genod-models
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    {{- if .Values.probes.liveness.enabled }}
    - alert: GenodModelProbeFails
      # Only where it had answered before: a pod that starts is not a pod that broke.
      expr: |-
        min by (namespace, job, genod_track, pod, model) (genod_probe_up{ {{- $probe }}}) == 0
          and max by (namespace, job, genod_track, pod, model) (max_over_time(genod_probe_up{ {{- $probe }}}[1h])) == 1
      for: {{ $alerts.probeFailing.for }}
      labels: {severity: critical}
      annotations:
        summary: "{{`{{ $labels.model }} in {{ $labels.pod }} does not answer a real inference`}}"
        description: "Usually a model's process is dead. Triton's own ready endpoints stay green then; the liveness probe should have restarted the pod by now."
    {{- end }}
    - alert: GenodModelOnlyFails
      expr: |-
        sum by (namespace, job, genod_track, pod, model) (rate(nv_inference_request_failure{ {{- $triton }},reason!="REJECTED",reason!="CANCELED"}[{{ $alerts.modelOnlyFails.window }}])) > 0
          unless sum by (namespace, job, genod_track, pod, model) (rate(nv_inference_request_success{ {{- $triton }}}[{{ $alerts.modelOnlyFails.window }}])) > 0
      for: {{ $alerts.modelOnlyFails.for }}
      labels: {severity: critical}
      annotations:
        summary: "Every request to {{`{{ $labels.model }} in {{ $labels.pod }}`}} fails"
        description: "A dead model process, or a model that cannot run on this node. Other pods may be well, so callers see a part of their requests fail."
    - alert: GenodQueueGrows
      expr: |-
        track:genod_pending_requests_per_pod:avg{ {{- $triton }}} > {{ $alerts.queueGrowing.pendingPerPod }}
          and deriv(track:genod_pending_requests_per_pod:avg{ {{- $triton }}}[{{ $alerts.queueGrowing.window }}]) > 0
      for: {{ $alerts.queueGrowing.for }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $value | humanize }} requests wait in each {{ $labels.genod_track }}`}} pod, and more every minute"
        description: "More requests come than pods answer. Soon latency or rejections will show it."
    - alert: GenodQueueTimeHigh
      expr: |-
        track:genod_queue_ms_per_request:ratio_rate1m{ {{- $triton }}} > {{ $alerts.queueTimeHigh.milliseconds }}
          and (track:genod_successes:rate5m{ {{- $triton }}} > 0 or track:genod_pending_requests_per_pod:avg{ {{- $triton }}} > 0)
      for: {{ $alerts.queueTimeHigh.for }}
      labels: {severity: warning}
      annotations:
        summary: "Requests wait {{`{{ $value | humanize }} ms in the queues of {{ $labels.genod_track }}`}} pods"
        description: "All steps of a request added up. Steps that run side by side count both."
    - alert: GenodRequestsRejected
      # What fails in an ensemble, but not in the work of any step, was refused by a queue. Triton 2.51 counts a full queue
      # nowhere else; where a request waited too long, the step says REJECTED.
      expr: |-
        (
          track:genod_failures:rate5m{ {{- $triton }}}
            - sum by (namespace, job, genod_track) (rate(nv_inference_request_failure{ {{- $triton }},{{ $steps }},reason=~"BACKEND|CANCELED"}[5m]))
        ) / (track:genod_successes:rate5m{ {{- $triton }}} + track:genod_failures:rate5m{ {{- $triton }}} > 0)
          > {{ $alerts.requestsRejected.ratio }}
      for: {{ $alerts.requestsRejected.for }}
      labels: {severity: warning}
      annotations:
        summary: "Full queues refuse {{`{{ $value | humanizePercentage }} of the requests to {{ $labels.genod_track }}`}} pods"
        description: "The queue policies of the models' configs refuse what would come too late anyway. Callers see UNAVAILABLE, or 503."
    - alert: GenodPoolFallback
      expr: nv_pinned_memory_pool_used_bytes{ {{- $triton }}} / (nv_pinned_memory_pool_total_bytes{ {{- $triton }}} > 0) > {{ $alerts.poolFallback.pinnedUsedRatio }}
      for: {{ $alerts.poolFallback.for }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }} of the pinned memory of {{ $labels.pod }}`}} is in use"
        description: "Triton has no metric for its CUDA pool. What the CUDA pool cannot hold goes to this one, silently, and makes every step slower."
    {{- if eq .Values.gpu.mode "gpu" }}
    - alert: GenodGpuMemoryHigh
      expr: nv_gpu_memory_used_bytes{ {{- $triton }}} / (nv_gpu_memory_total_bytes{ {{- $triton }}} > 0) > {{ $alerts.gpuMemoryHigh.usedRatio }}
      for: {{ $alerts.gpuMemoryHigh.for }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $value | humanizePercentage }} of the GPU memory of {{ $labels.pod }}`}} is in use"
        description: "The next larger batch may fail. Somebody else on this GPU, or a release that needs more than the last."
    {{- end }}
    {{- if .Values.triton.responseCache.enabled }}
    - alert: GenodResponseCacheOff
      expr: |-
        track:genod_successes:rate5m{ {{- $triton }}} > 0
          unless on (namespace, job) (job:genod_cache_lookups:rate30m{ {{- $triton }}} > 0)
      for: {{ $alerts.cacheOff.for }}
      labels: {severity: warning}
      annotations:
        summary: "Nobody asks the response cache of {{ include "genod.fullname" . }}"
        description: "triton.responseCache.enabled is true and requests come, but no model looks anything up. A config lost its response_cache block, or the server its flag."
    - alert: GenodCacheHitRateCollapsed
      expr: |-
        job:genod_cache_hits:ratio_rate30m{ {{- $triton }}} < {{ $alerts.cacheHitRateCollapsed.ratioOfYesterday }} * (job:genod_cache_hits:ratio_rate30m{ {{- $triton }}} offset 1d)
          and job:genod_cache_lookups:rate30m{ {{- $triton }}} > {{ $alerts.cacheHitRateCollapsed.minimumLookupsPerSecond }}
      for: {{ $alerts.cacheHitRateCollapsed.for }}
      labels: {severity: warning}
      annotations:
        summary: "The cache answers {{`{{ $value | humanizePercentage }}`}} of the requests, much less than yesterday at this time"
        description: "A new release starts with an empty cache; this has lasted longer. The models have to do what the cache had done."
    {{- end }}
    - alert: GenodReleaseMismatch
      expr: count by (namespace, job, genod_track) (count by (namespace, job, genod_track, genod_release) (up{ {{- $triton }}} == 1)) > 1
      for: {{ $alerts.releaseMismatch.for }}
      labels: {severity: warning}
      annotations:
        summary: "Pods of the {{`{{ $labels.genod_track }} track serve {{ $value }}`}} different releases"
        description: "A rollout stands still, or somebody changed pods by hand. The same photo gets different answers."
    - alert: GenodWrongReleaseServed
      # Release N serves every ensemble as version N.
      expr: |-
        count by (namespace, job, genod_track, pod, genod_release) (nv_inference_request_success{ {{- $triton }},{{ $ensembles }},genod_release=~"[0-9]+"})
          unless count by (namespace, job, genod_track, pod, genod_release) (
            label_replace(nv_inference_request_success{ {{- $triton }},{{ $ensembles }}}, "genod_release", "$1", "version", "(.+)")
          )
      for: {{ $alerts.targetDown.for }}
      labels: {severity: critical}
      annotations:
        summary: "{{`{{ $labels.pod }} is labelled release {{ $labels.genod_release }}`}}, but serves another one"
        description: "The models in its repository are not those of its release. The store or the fetch is broken, or its models were changed by hand."
{{- end }}
