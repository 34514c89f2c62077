{{/* startupProbe, readinessProbe and livenessProbe of Triton's container. Takes the root.

Startup and readiness ask for an ensemble, whose composing models must then be ready too. Triton says "not ready" with
status 400, which fails a probe like any status from 400 on. Liveness asks the sidecar, which infers. */}}
{{- define "genod.triton.probes" -}}
{{- $ready := printf "/v2/models/%s/ready" (first .Values.release.ensembles) -}}
startupProbe:
  httpGet:
    path: {{ $ready }}
    port: http
  periodSeconds: {{ int64 .Values.probes.startupPeriodSeconds }}
  timeoutSeconds: {{ int64 .Values.probes.readiness.timeoutSeconds }}
  # {{ int64 .Values.probes.startupBudgetSeconds }} s in all.
  failureThreshold: {{ include "genod.lifecycle.startupFailureThreshold" . }}
readinessProbe:
  httpGet:
    path: {{ $ready }}
    port: http
  periodSeconds: {{ int64 .Values.probes.readiness.periodSeconds }}
  timeoutSeconds: {{ int64 .Values.probes.readiness.timeoutSeconds }}
  failureThreshold: {{ int64 .Values.probes.readiness.failureThreshold }}
{{- if .Values.probes.liveness.enabled }}
livenessProbe:
  httpGet:
    path: /live
    port: 8003
  periodSeconds: {{ int64 .Values.probes.liveness.periodSeconds }}
  timeoutSeconds: 2
  failureThreshold: {{ int64 .Values.probes.liveness.failureThreshold }}
{{- end }}
{{- end }}

{{/* The sidecar: an init container that keeps running, so that it starts before Triton and stops after it. */}}
{{- define "genod.triton.probeContainer" -}}
- name: probe
  restartPolicy: Always
  {{- include "genod.image.tools" . | nindent 2 }}
  command: [python, -m, serving.probes, watch]
  args:
    - --url=127.0.0.1:8000
    {{- range .Values.release.ensembles }}
    - --model={{ . }}
    {{- end }}
    - --interval-s={{ .Values.probes.liveness.intervalSeconds }}
    - --timeout-s={{ .Values.probes.liveness.timeoutSeconds }}
    - --listen=0.0.0.0:8003
  env:
    - name: HOME
      value: /tmp
    {{- with include "genod.triton.probeKey" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
  ports:
    - name: probe
      containerPort: 8003
  # A pod whose ensembles do not all infer gets no traffic, long before Triton is restarted.
  readinessProbe:
    httpGet:
      path: /live
      port: probe
    periodSeconds: {{ int64 .Values.probes.readiness.periodSeconds }}
    timeoutSeconds: {{ int64 .Values.probes.readiness.timeoutSeconds }}
    failureThreshold: {{ int64 .Values.probes.readiness.failureThreshold }}
  resources:
    requests:
      cpu: {{ .Values.probes.liveness.cpu }}
      memory: {{ printf "%dMi" (int64 .Values.probes.liveness.memoryMiB) }}
    limits:
      memory: {{ printf "%dMi" (int64 .Values.probes.liveness.memoryMiB) }}
  {{- include "genod.security.container" . | nindent 2 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
{{- end }}

{{/* The key of restricted APIs, only where the sidecar asks for one of them. Takes the root. */}}
{{- define "genod.triton.probeKey" -}}
{{- $restricted := .Values.restrictedApi }}
{{- if and $restricted.enabled (or (has "metadata" $restricted.categories) (has "statistics" $restricted.categories)) }}
- name: RESTRICTED_API_KEY
  {{- include "genod.restrictedApi.keyReference" . | nindent 2 }}
- name: GENOD_RESTRICTED_KEY
  value: {{ printf "%s=$(RESTRICTED_API_KEY)" $restricted.header | quote }}
{{- end }}
{{- end }}
