{{/* Values of scaling that contradict each other, in the words of whoever wrote them. */}}
{{- define "genod.autoscaling.refusals" -}}
{{- $autoscaling := .Values.autoscaling }}
{{- $signals := $autoscaling.signals }}
{{- $zero := $autoscaling.scaleToZero.enabled }}
{{- $minimum := int64 $autoscaling.minReplicas }}
{{- $maximum := int64 $autoscaling.maxReplicas }}
{{- if not (kindIs "invalid" .Values.replicas) }}
{{- fail (printf "replicas is %v beside autoscaling.enabled: every upgrade would throw the autoscaler's number away. Leave replicas null and use autoscaling.minReplicas" .Values.replicas) }}
{{- end }}
{{- if lt $minimum 1 }}
{{- fail "autoscaling.minReplicas must be at least 1, got 0. For no pods while nobody calls set autoscaling.type: keda and autoscaling.scaleToZero.enabled: true" }}
{{- end }}
{{- if lt $maximum $minimum }}
{{- fail (printf "autoscaling.maxReplicas (%d) must not be below autoscaling.minReplicas (%d)" $maximum $minimum) }}
{{- end }}
{{- if not (or $signals.pendingRequests.enabled $signals.queueTime.enabled $signals.requestRate.enabled) }}
{{- fail "autoscaling.enabled needs at least one signal: enable autoscaling.signals.pendingRequests, queueTime or requestRate" }}
{{- end }}
{{- if and $signals.requestRate.enabled (not .Values.envoy.enabled) }}
{{- fail "autoscaling.signals.requestRate.enabled needs envoy.enabled: Envoy counts the requests" }}
{{- end }}
{{- $fallback := int64 (include "genod.scaling.fallbackReplicas" .) }}
{{- if or (lt $fallback $minimum) (gt $fallback $maximum) }}
{{- fail (printf "autoscaling.fallback.replicas is %d, but must lie between minReplicas (%d) and maxReplicas (%d)" $fallback $minimum $maximum) }}
{{- end }}
{{- if eq $autoscaling.type "hpa" }}
{{- if $zero }}
{{- fail "autoscaling.scaleToZero.enabled needs autoscaling.type: keda; a HorizontalPodAutoscaler keeps at least one pod" }}
{{- end }}
{{- if not (kindIs "invalid" $autoscaling.fallback.replicas) }}
{{- fail "autoscaling.fallback.replicas needs autoscaling.type: keda; a HorizontalPodAutoscaler without metrics leaves the number of pods as it is" }}
{{- end }}
{{- if or $autoscaling.prometheus.triggerAuthentication $autoscaling.prometheus.authModes }}
{{- fail "autoscaling.prometheus.triggerAuthentication and authModes need autoscaling.type: keda; with hpa prometheus-adapter holds the credentials" }}
{{- end }}
{{- else }}
{{- if not (or $signals.pendingRequests.enabled $signals.requestRate.enabled) }}
{{- fail "autoscaling.type: keda needs autoscaling.signals.pendingRequests or requestRate: KEDA's fallback knows no signal that is not divided by pods" }}
{{- end }}
{{- if ne (empty $autoscaling.prometheus.triggerAuthentication) (empty $autoscaling.prometheus.authModes) }}
{{- fail "autoscaling.prometheus.triggerAuthentication and autoscaling.prometheus.authModes are needed together" }}
{{- end }}
{{- end }}
{{- if and $zero (not (and .Values.envoy.enabled $signals.requestRate.enabled)) }}
{{- fail "autoscaling.scaleToZero.enabled needs envoy.enabled and autoscaling.signals.requestRate.enabled: without any pod only Envoy sees that somebody calls" }}
{{- end }}
{{- $down := int64 (include "genod.scaling.scaleDownSeconds" .) }}
{{- $start := min 3600 (int64 .Values.probes.startupBudgetSeconds) }}
{{- if lt $down $start }}
{{- fail (printf "autoscaling.scaleDown.stabilizationSeconds is %d, but must be at least %d (probes.startupBudgetSeconds, 3600 at most): a pod that goes earlier may be needed again before it could have come back. Leave it null to have it computed" $down $start) }}
{{- end }}
{{- if and $zero (lt (int64 $autoscaling.scaleToZero.cooldownSeconds) $start) }}
{{- fail (printf "autoscaling.scaleToZero.cooldownSeconds is %v, but must be at least %d (probes.startupBudgetSeconds)" $autoscaling.scaleToZero.cooldownSeconds $start) }}
{{- end }}
{{- if not (kindIs "invalid" $autoscaling.gpuQuota) }}
{{- $canary := ternary (int64 .Values.canary.replicas) 0 .Values.canary.enabled }}
{{- $surge := ternary 1 0 (eq .Values.rollout.strategy "surge") }}
{{- $need := add $maximum $canary $surge }}
{{- if gt $need (int64 $autoscaling.gpuQuota) }}
{{- fail (printf "autoscaling.maxReplicas (%d) with the canary's pods (%d) and the surge of a rollout (%d) takes %d GPUs, but autoscaling.gpuQuota is %v: lower maxReplicas, or set rollout.strategy: replace" $maximum $canary $surge $need $autoscaling.gpuQuota) }}
{{- end }}
{{- end }}
{{- end }}
