{{/* Refuses combinations that the schema cannot. Every problem is named at once: what is wrong, what is allowed, what to do.

Each part prints one problem per line. */}}
{{- define "genod.validate" -}}
{{- $lines := list }}
{{- range $part := list "image" "gpu" "engines" "store" "memory" "lifecycle" "scaling" "ingress" "control" "arguments" "labels" "identity" }}
{{- range splitList "\n" (include (printf "genod.validate.%s" $part) $) }}
{{- with trim . }}
{{- $lines = append $lines . }}
{{- end }}
{{- end }}
{{- end }}
{{- if $lines }}
{{- fail (printf "\n\nThese values do not work (%d):\n  * %s\n" (len $lines) (join "\n  * " $lines)) }}
{{- end }}
{{- end }}

{{- define "genod.validate.image" -}}
{{- if not (regexMatch "^(26\\.(0[5-9]|1[0-2])|(2[7-9]|[3-9][0-9])\\.(0[1-9]|1[0-2]))([-.].*)?$" .Values.image.tag) }}
image.tag must be a Triton of 26.05 or newer, such as 26.05-py3, but is {{ .Values.image.tag | quote }}. Older ones do not notice dead model processes and hang on full queues; with another tagging scheme, keep Triton's version in front: 26.05-mine.
{{- end }}
{{- if eq .Values.toolsImage.tag "latest" }}
toolsImage.tag must name a version, but is "latest": pods of one Deployment would run different tools. Name a version, or leave it empty for {{ .Chart.AppVersion }}.
{{- end }}
{{- end }}

{{- define "genod.validate.gpu" -}}
{{- $gpu := .Values.gpu }}
{{- if and (eq $gpu.mode "mig") (eq $gpu.mig.strategy "mixed") (not $gpu.mig.profile) }}
gpu.mode mig with gpu.mig.strategy mixed needs gpu.mig.profile, such as 1g.10gb: it is part of the resource's name.
{{- end }}
{{- if and (ne $gpu.mode "mig") $gpu.mig.profile }}
gpu.mig.profile is {{ $gpu.mig.profile }}, but gpu.mode is {{ $gpu.mode }}: set gpu.mode to mig, or remove the profile.
{{- end }}
{{- if eq $gpu.mode "cpu" }}
{{- range $name, $value := dict "gpu.target" $gpu.target "gpu.product" $gpu.product "gpu.runtimeClassName" $gpu.runtimeClassName "cudaMemoryPool.bytes" .Values.cudaMemoryPool.bytes }}
{{- if $value }}
{{ $name }} is {{ $value }}, but gpu.mode cpu has no GPU: remove it, or set gpu.mode to gpu or mig.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.engines" -}}
{{- $target := include "genod.gpu.target" . }}
{{- if .Values.engines.enabled }}
{{- if eq .Values.gpu.mode "cpu" }}
engines.enabled needs a GPU, but gpu.mode is cpu: set gpu.mode to gpu or mig, or engines.enabled to false.
{{- else if not (hasPrefix "tensorrt" $target) }}
engines.enabled builds engines for a tensorrt target, but gpu.target is {{ $target }}: leave gpu.target empty, or set engines.enabled to false.
{{- end }}
{{- if eq .Values.engines.builder "job" }}
{{- if not .Values.engines.cache.claimName }}
engines.builder job needs engines.cache.claimName, a claim that the Job writes and the pods read (ReadWriteMany); or set engines.builder to init.
{{- end }}
{{- if not .Values.gpu.product }}
engines.builder job needs gpu.product, the node label nvidia.com/gpu.product of the nodes that serve: an engine runs on the product that it was built on only. Or set engines.builder to init.
{{- end }}
{{- end }}
{{- else if hasPrefix "tensorrt" $target }}
gpu.target {{ $target }} serves engines, but engines.enabled is false: set it to true, or gpu.target to onnxruntime-gpu.
{{- end }}
{{- end }}

{{- define "genod.validate.store" -}}
{{- $store := .Values.modelStore }}
{{- $mounted := has $store.type (list "pvc" "oci") }}
{{- if and $mounted $store.url }}
modelStore.url is {{ $store.url }}, but modelStore.type {{ $store.type }} is mounted and has no address: remove the url, or set the type to s3, gcs or http.
{{- end }}
{{- if and (eq $store.type "pvc") (not $store.pvc.claimName) }}
modelStore.type pvc needs modelStore.pvc.claimName, the claim that holds the store.
{{- end }}
{{- range $type, $pattern := dict "s3" "^s3://.+" "gcs" "^(gs|gcs)://.+" "http" "^https?://.+" }}
{{- if and (eq $type $store.type) (not (regexMatch $pattern $store.url)) }}
modelStore.type {{ $type }} needs modelStore.url like {{ $pattern | trimPrefix "^" | trimSuffix ".+" }}..., but it is {{ $store.url | quote }}.
{{- end }}
{{- end }}
{{- if eq $store.type "oci" }}
{{- if not (regexMatch "@sha256:[0-9a-f]{64}$" $store.oci.reference) }}
modelStore.type oci needs modelStore.oci.reference with a digest, name@sha256:<64 hex digits>, but it is {{ $store.oci.reference | quote }}.
{{- end }}
{{- $version := $store.oci.kubernetesVersion | default .Capabilities.KubeVersion.Version }}
{{- if not (semverCompare ">=1.33.0-0" (regexFind "[0-9]+\\.[0-9]+" $version)) }}
modelStore.type oci mounts an image as a volume, which needs Kubernetes 1.33 or newer, but the cluster is {{ $version }}: take another modelStore.type, or correct modelStore.oci.kubernetesVersion.
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.memory" -}}
{{- range $name, $sizes := dict
  "cudaMemoryPool.bytes" (list .Values.cudaMemoryPool.bytes (include "genod.memory.minimumCudaPoolBytes" .) "release.memory.gpuBytesPerImage x triton.imagesInFlight with cudaMemoryPool.headroomPercent")
  "cudaMemoryPool.pinnedBytes" (list .Values.cudaMemoryPool.pinnedBytes (include "genod.memory.minimumPinnedPoolBytes" .) "release.memory.hostBytesPerImage x triton.imagesInFlight with cudaMemoryPool.headroomPercent")
  "sharedMemory.sizeMiB" (list .Values.sharedMemory.sizeMiB (include "genod.memory.minimumSharedMemoryMiB" .) "release.memory.largestStageBytesPerImage x triton.imagesInFlight + 64 MiB per release.memory.pythonInstances")
  "resources.memoryMiB" (list .Values.resources.memoryMiB (include "genod.memory.minimumMiB" .) "resources.baseMemoryMiB + shared memory + pinned pool + response cache")
}}
{{- $chosen := index $sizes 0 }}
{{- if not (kindIs "invalid" $chosen) }}
{{- if lt (int64 $chosen) (index $sizes 1 | int64) }}
{{ $name }} is {{ int64 $chosen }}, but at least {{ index $sizes 1 }} is needed ({{ index $sizes 2 }}): leave it null to have it computed, or lower what it is computed from.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.lifecycle" -}}
{{- $lifecycle := .Values.lifecycle }}
{{- if lt (int64 $lifecycle.preStopSeconds) 5 }}
lifecycle.preStopSeconds is {{ int64 $lifecycle.preStopSeconds }}, but endpoints and Envoy need at least 5 s to stop sending requests to a pod that ends; 20 is usual.
{{- end }}
{{- if lt (int64 $lifecycle.marginSeconds) 10 }}
lifecycle.marginSeconds is {{ int64 $lifecycle.marginSeconds }}, but Triton needs at least 10 s to unload models after its drain; 30 is usual.
{{- end }}
{{- if not (kindIs "invalid" $lifecycle.terminationGracePeriodSeconds) }}
{{- if lt (int64 $lifecycle.terminationGracePeriodSeconds) (include "genod.lifecycle.minimumGraceSeconds" . | int64) }}
lifecycle.terminationGracePeriodSeconds is {{ int64 $lifecycle.terminationGracePeriodSeconds }}, but at least {{ include "genod.lifecycle.minimumGraceSeconds" . }} is needed (preStopSeconds + exitTimeoutSeconds + marginSeconds), or the drain is cut off by SIGKILL: leave it null to have it computed.
{{- end }}
{{- end }}
{{- if not (kindIs "invalid" .Values.rollout.progressDeadlineSeconds) }}
{{- $minimum := add (int64 .Values.probes.startupBudgetSeconds) (int64 .Values.rollout.minReadySeconds) 1 }}
{{- if lt (int64 .Values.rollout.progressDeadlineSeconds) $minimum }}
rollout.progressDeadlineSeconds is {{ int64 .Values.rollout.progressDeadlineSeconds }}, but a pod may take {{ $minimum }} (probes.startupBudgetSeconds + rollout.minReadySeconds + 1): leave it null to have it computed.
{{- end }}
{{- end }}
{{- if has (toString .Values.podDisruptionBudget.maxUnavailable) (list "0" "0%") }}
podDisruptionBudget.maxUnavailable 0 blocks every node drain for ever: allow at least 1, or set podDisruptionBudget.enabled to false.
{{- end }}
{{- end }}

{{- define "genod.validate.scaling" -}}
{{- if and (.Values.autoscaling).enabled (not (kindIs "invalid" .Values.replicas)) }}
replicas is {{ int64 .Values.replicas }} beside autoscaling.enabled: every upgrade would set the number back. Leave replicas null and set the autoscaler's bounds, or set autoscaling.enabled to false.
{{- end }}
{{- if and .Values.service.loadBalancerSourceRanges (ne .Values.service.type "LoadBalancer") }}
service.loadBalancerSourceRanges has no effect with service.type {{ .Values.service.type }}: set service.type to LoadBalancer, or name the networks in networkPolicy.clients.
{{- end }}
{{- end }}

{{- define "genod.validate.ingress" -}}
{{- $ingress := .Values.service.ingress }}
{{- if $ingress.enabled }}
{{- if not $ingress.host }}
service.ingress.enabled needs service.ingress.host: without it every host name of the controller would lead here.
{{- end }}
{{- if and $ingress.grpcHost (eq $ingress.grpcHost $ingress.host) }}
service.ingress.grpcHost is service.ingress.host, but a controller speaks one protocol to what stands behind a host: take another name.
{{- end }}
{{- if and .Values.envoy.enabled .Values.envoy.tls.enabled }}
service.ingress.enabled and envoy.tls.enabled contradict each other: the controller ends TLS and speaks plain HTTP to Envoy. Put the certificate into service.ingress.tlsSecretName.
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.control" -}}
{{- if eq .Values.triton.modelControlMode "explicit" }}
{{- if not .Values.triton.explicitModelControlAcknowledged }}
triton.modelControlMode explicit is best effort in Triton, and an ensemble's old version is not kept when a load fails: set triton.explicitModelControlAcknowledged to true to say that this is wanted, or the mode to none.
{{- end }}
{{- if not (and .Values.restrictedApi.enabled (has "model-repository" .Values.restrictedApi.categories)) }}
triton.modelControlMode explicit lets every caller unload models unless restrictedApi.enabled is true and restrictedApi.categories has model-repository.
{{- end }}
{{- end }}
{{- if and .Values.restrictedApi.enabled (not .Values.restrictedApi.categories) }}
restrictedApi.enabled restricts nothing without restrictedApi.categories: name some, or set restrictedApi.enabled to false.
{{- end }}
{{- end }}

{{- define "genod.validate.arguments" -}}
{{- $computed := list "--model-store" "--strict-model-config" "--response-cache-byte-size" "--trace-config" "--cache-config" "--cuda-memory-pool-byte-size" "--http-restricted-api" "--grpc-restricted-protocol" "--grpc-max-connection-age" "--grpc-max-connection-age-grace" "--load-model" "--model-config-name" "--allow-client-shm" }}
{{- range fromYamlArray (include "genod.triton.computedArguments" .) }}
{{- $computed = append $computed (splitList "=" . | first) }}
{{- end }}
{{- range .Values.triton.extraArgs }}
{{- if has (splitList "=" . | first) $computed }}
triton.extraArgs has {{ . }}, but the chart computes {{ splitList "=" . | first }} itself: remove it and set the value that it is computed from.
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.labels" -}}
{{- range $where, $labels := dict "commonLabels" .Values.commonLabels "triton.podLabels" .Values.triton.podLabels }}
{{- range $name, $_ := $labels }}
{{- if or (hasPrefix "genod/" $name) (hasPrefix "app.kubernetes.io/" $name) (eq "helm.sh/chart" $name) }}
{{ $where }} has {{ $name }}, which the chart sets and selects pods by: take another name.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.validate.identity" -}}
{{- $account := .Values.podSecurity.serviceAccount }}
{{- if and $account.annotations (not $account.create) }}
podSecurity.serviceAccount.annotations go to the account that the chart makes, but podSecurity.serviceAccount.create is false: set it to true, or annotate {{ $account.name | default "default" }} yourself.
{{- end }}
{{- end }}
