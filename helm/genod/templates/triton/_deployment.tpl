{{/* The Deployment of one track. Takes a dict: root, track (stable or canary), release (number), replicas (null leaves the
number to an autoscaler). */}}
{{- define "genod.triton.deployment" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $names := dict "root" $root "component" "triton" "track" .track }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "genod.fullname" $root }}-triton-{{ .track }}
  labels:
    {{- include "genod.labels" $names | nindent 4 }}
    genod/release: {{ .release | toString | quote }}
  {{- include "genod.annotations" (dict "root" $root) | nindent 2 }}
spec:
  {{- if not (kindIs "invalid" .replicas) }}
  replicas: {{ int64 .replicas }}
  {{- end }}
  revisionHistoryLimit: {{ int64 $values.rollout.revisionHistoryLimit }}
  minReadySeconds: {{ int64 $values.rollout.minReadySeconds }}
  progressDeadlineSeconds: {{ include "genod.lifecycle.progressDeadlineSeconds" $root }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: {{ ternary 1 0 (eq $values.rollout.strategy "surge") }}
      maxUnavailable: {{ ternary 0 1 (eq $values.rollout.strategy "surge") }}
  selector:
    matchLabels:
      {{- include "genod.selectorLabels" $names | nindent 6 }}
  template:
    metadata:
      labels:
        {{- /* Without the chart's version: pods are not replaced because the chart was. */}}
        {{- include "genod.selectorLabels" $names | nindent 8 }}
        {{- with $values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        genod/release: {{ .release | toString | quote }}
        {{- with $values.triton.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- include "genod.annotations" (dict "root" $root "extra" (merge dict $values.triton.podAnnotations (dict "kubectl.kubernetes.io/default-container" "triton"))) | nindent 6 }}
    spec:
      serviceAccountName: {{ include "genod.security.serviceAccountName" $root }}
      {{- include "genod.security.pod" $root | nindent 6 }}
      {{- with include "genod.gpu.placement" $root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "genod.scheduling.pod" $names | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      terminationGracePeriodSeconds: {{ include "genod.lifecycle.graceSeconds" $root }}
      initContainers:
        {{- include "genod.store.fetchContainer" (dict "root" $root "release" .release) | nindent 8 }}
        {{- if $values.engines.enabled }}
        {{- include "genod.engines.podContainer" (dict "root" $root "release" .release) | nindent 8 }}
        {{- end }}
        {{- if $values.probes.liveness.enabled }}
        {{- include "genod.triton.probeContainer" $root | nindent 8 }}
        {{- end }}
      containers:
        - name: triton
          {{- include "genod.image.triton" $root | nindent 10 }}
          # No shell and no entrypoint in front: tritonserver is process 1 and gets SIGTERM itself.
          command: [tritonserver]
          args:
            {{- include "genod.triton.arguments" $root | trim | nindent 12 }}
          env:
            {{- include "genod.triton.environment" $root | nindent 12 }}
          ports:
            - name: http
              containerPort: 8000
            - name: grpc
              containerPort: 8001
            - name: metrics
              containerPort: 8002
          {{- include "genod.triton.probes" $root | nindent 10 }}
          lifecycle:
            preStop:
              {{- if eq $values.lifecycle.preStopHandler "exec" }}
              exec:
                command: [/bin/sleep, {{ $values.lifecycle.preStopSeconds | toString | quote }}]
              {{- else }}
              sleep:
                seconds: {{ int64 $values.lifecycle.preStopSeconds }}
              {{- end }}
          resources:
            {{- include "genod.triton.resources" $root | nindent 12 }}
          {{- include "genod.security.container" $root | nindent 10 }}
          volumeMounts:
            {{- include "genod.store.modelsMount" (dict "root" $root "release" .release "readOnly" true) | nindent 12 }}
            {{- if include "genod.engines.hasVolume" $root }}
            - name: engines
              mountPath: /engines
              {{- if $values.engines.enabled }}
              readOnly: true
              {{- end }}
            {{- end }}
            {{- if $values.engines.enabled }}
            - name: linked
              mountPath: /linked
              readOnly: true
            {{- end }}
            - name: shared-memory
              mountPath: /dev/shm
            - name: tmp
              mountPath: /tmp
      volumes:
        {{- include "genod.store.volumes" $root | nindent 8 }}
        {{- if include "genod.engines.hasVolume" $root }}
        {{- include "genod.engines.volumes" $root | nindent 8 }}
        {{- end }}
        {{- if $values.engines.enabled }}
        - name: linked
          emptyDir:
            sizeLimit: 64Mi
        {{- end }}
        # Kubernetes gives 64 MB, and Triton's Python stages hand whole batches over in it.
        - name: shared-memory
          emptyDir:
            medium: Memory
            sizeLimit: {{ include "genod.memory.sharedMemoryMiB" $root }}Mi
        - name: tmp
          emptyDir:
            sizeLimit: 1Gi
{{- end }}

{{/* Environment of Triton's container. Takes the root. */}}
{{- define "genod.triton.environment" -}}
- name: HOME
  value: /tmp
# The model repository is read-only.
- name: PYTHONDONTWRITEBYTECODE
  value: "1"
{{- if eq .Values.gpu.mode "cpu" }}
# NVIDIA's image asks for all GPUs by itself where the container runtime grants them.
- name: NVIDIA_VISIBLE_DEVICES
  value: void
{{- end }}
{{- if and .Values.restrictedApi.enabled .Values.restrictedApi.categories }}
- name: RESTRICTED_API_KEY
  {{- include "genod.restrictedApi.keyReference" . | nindent 2 }}
{{- end }}
{{- range $name, $value := .Values.triton.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Requests and limits of Triton's container: memory is not overcommitted, CPU is not throttled. Takes the root. */}}
{{- define "genod.triton.resources" -}}
requests:
  cpu: {{ .Values.resources.cpu | quote }}
  memory: {{ include "genod.memory.MiB" . }}Mi
limits:
  {{- with .Values.resources.cpuLimit }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ include "genod.memory.MiB" . }}Mi
  {{- with include "genod.gpu.resource" . }}
  {{ . }}: 1
  {{- end }}
{{- end }}
