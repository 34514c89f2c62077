{{/* Alerts about pods, scrapes and the autoscaler; some from kube-state-metrics. */}}
{{- define "genod.monitoring.clusterAlerts" -}}
{{- $alerts := .Values.monitoring.alerts }}
{{- $fullname := include "genod.fullname" . }}
{{- $namespace := printf "namespace=%q" .Release.Namespace }}
{{- $zero := and .Values.autoscaling.enabled .Values.autoscaling.scaleToZero.enabled -}}
- name: genod-cluster
  interval: {{ int64 .Values.monitoring.rules.intervalSeconds }}s
  rules:
    - alert: GenodTargetDown
      expr: up{ {{- $namespace }},job=~"{{ $fullname }}-(triton|probe|envoy)"} == 0
      for: {{ $alerts.targetDown.for }}
      labels: {severity: warning}
      annotations:
        summary: "Prometheus cannot read the metrics of {{`{{ $labels.pod }} ({{ $labels.job }})`}}"
        description: "The pod is down, hangs, or a NetworkPolicy keeps Prometheus out. What happens there is unseen."
    {{- if not $zero }}
    - alert: GenodMetricsAbsent
      expr: absent(up{ {{- include "genod.monitoring.match" (dict "root" . "component" "triton") }}})
      for: {{ $alerts.metricsAbsent.for }}
      labels: {severity: critical}
      annotations:
        summary: "Prometheus knows no Triton pod of {{ $fullname }}"
        description: "There is no pod, or the monitor finds none. No other alert about Triton can fire."
    {{- end }}
    {{- if .Values.monitoring.rules.kubeStateMetrics }}
    - alert: GenodPodsNotReady
      expr: |-
        kube_deployment_status_replicas_available{ {{- $namespace }},deployment=~"{{ $fullname }}-(triton-.+|envoy)"}
          < kube_deployment_spec_replicas{ {{- $namespace }},deployment=~"{{ $fullname }}-(triton-.+|envoy)"}
      for: {{ ternary (printf "%ds" (add 300 (int64 .Values.probes.startupBudgetSeconds))) $alerts.podsNotReady.for (kindIs "invalid" $alerts.podsNotReady.for) }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $labels.deployment }} has only {{ $value }}`}} ready pods"
        description: "For longer than a start takes. Out of GPUs, a release that does not load, or a node that is gone."
    - alert: GenodPodRestarts
      expr: increase(kube_pod_container_status_restarts_total{ {{- $namespace }},pod=~"{{ $fullname }}-(triton|envoy).*"}[{{ $alerts.podRestarting.window }}]) >= {{ $alerts.podRestarting.restarts }}
      labels: {severity: warning}
      annotations:
        summary: "{{`{{ $labels.container }} in {{ $labels.pod }} has restarted {{ $value | humanize }}`}} times"
        description: "The liveness probe found a dead model again and again, memory ran out, or Triton crashes."
    - alert: GenodRolloutStuck
      expr: kube_deployment_status_condition{ {{- $namespace }},deployment=~"{{ $fullname }}-(triton-.+|envoy)",condition="Progressing",status="false"} == 1
      labels: {severity: critical}
      annotations:
        summary: "The rollout of {{`{{ $labels.deployment }}`}} has stopped"
        description: "A new pod did not become ready within the deadline. The old ones still serve."
    {{- if .Values.engines.enabled }}
    - alert: GenodEngineBuildFailed
      expr: |-
        max by (namespace, job_name) (kube_job_failed{ {{- $namespace }},job_name=~"{{ $fullname }}-engine.*",condition="true"}) == 1
          or increase(kube_pod_init_container_status_restarts_total{ {{- $namespace }},pod=~"{{ $fullname }}-triton.*",container=~".*engine.*"}[15m]) > 0
      labels: {severity: critical}
      annotations:
        summary: "Building the TensorRT engines has failed"
        description: "Pods of this release will not start, or start without engines. The old pods still serve."
    {{- end }}
    {{- if .Values.autoscaling.enabled }}
    - alert: GenodAutoscalerAtMax
      expr: |-
        kube_horizontalpodautoscaler_status_current_replicas{ {{- $namespace }},horizontalpodautoscaler=~"(keda-hpa-)?{{ $fullname }}-triton-stable"}
          >= kube_horizontalpodautoscaler_spec_max_replicas{ {{- $namespace }},horizontalpodautoscaler=~"(keda-hpa-)?{{ $fullname }}-triton-stable"}
      for: {{ $alerts.autoscalerAtMax.for }}
      labels: {severity: warning}
      annotations:
        summary: "The autoscaler has no pods left to add"
        description: "All {{ int64 .Values.autoscaling.maxReplicas }} pods run. More load will only make the queues longer."
    - alert: GenodAutoscalerBlind
      expr: kube_horizontalpodautoscaler_status_condition{ {{- $namespace }},horizontalpodautoscaler=~"(keda-hpa-)?{{ $fullname }}-triton-stable",condition="ScalingActive",status="false"} == 1
      for: {{ $alerts.autoscalerBlind.for }}
      labels: {severity: critical}
      annotations:
        summary: "The autoscaler gets no metrics"
        description: "It neither adds nor removes pods by load. With KEDA the fallback's number of pods holds."
    {{- end }}
    {{- end }}
{{- end }}
