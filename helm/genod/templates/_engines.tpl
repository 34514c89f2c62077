{{/* TensorRT engines: built on the target GPU, kept by sha256(onnx), TensorRT version and GPU product. */}}

{{/* A container that builds what the cache lacks, for the GPU and with the TensorRT that it finds itself on.
Takes a dict: root, release, resources (text), linkInto (a folder for Triton, or empty). */}}
{{- define "genod.engines.buildContainer" -}}
- name: build-engines
  {{- include "genod.image.triton" .root | nindent 2 }}
  command: [python3, -m, serving, build-engines]
  args:
    - --model-repository=/models/current
    - --cache=/engines
    - --target={{ include "genod.gpu.target" .root }}
    - --lock-timeout-s={{ int64 .root.Values.engines.job.activeDeadlineSeconds }}
    {{- with .linkInto }}
    - --link-into={{ . }}
    {{- end }}
  env:
    - name: HOME
      value: /tmp
  resources:
    {{- .resources | nindent 4 }}
  {{- include "genod.security.container" .root | nindent 2 }}
  volumeMounts:
    {{- include "genod.store.modelsMount" (dict "root" .root "release" .release "readOnly" true) | nindent 4 }}
    - name: engines
      mountPath: /engines
    {{- with .linkInto }}
    - name: linked
      mountPath: {{ . }}
    {{- end }}
    - name: tmp
      mountPath: /tmp
{{- end }}

{{- define "genod.engines.buildResources" -}}
requests:
  cpu: {{ .Values.engines.job.cpu | quote }}
  memory: {{ printf "%dMi" (int64 .Values.engines.job.memoryMiB) }}
limits:
  memory: {{ printf "%dMi" (int64 .Values.engines.job.memoryMiB) }}
  {{ include "genod.gpu.resource" . }}: 1
{{- end }}

{{/* What a Triton pod does with engines before it serves: links the release and the cache's engines together, and builds
what is missing. After a Job nothing is, unless the pod came to another GPU. Takes a dict: root, release. */}}
{{- define "genod.engines.podContainer" -}}
{{- include "genod.engines.buildContainer" (dict "root" .root "release" .release "resources" (include "genod.triton.resources" .root) "linkInto" "/linked") }}
{{- end }}

{{/* ONNX Runtime's TensorRT provider builds inside Triton, while it loads, and keeps its engines in /engines too. */}}
{{- define "genod.engines.hasVolume" -}}
{{- if or .Values.engines.enabled (hasPrefix "onnxruntime-tensorrt" (include "genod.gpu.target" .)) }}true{{ end }}
{{- end }}

{{- define "genod.engines.volumes" -}}
- name: engines
  {{- if .Values.engines.cache.claimName }}
  persistentVolumeClaim:
    claimName: {{ .Values.engines.cache.claimName }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ printf "%dMi" (int64 .Values.engines.cache.sizeLimitMiB) }}
  {{- end }}
{{- end }}

{{- define "genod.engines.jobEnabled" -}}
{{- if and .Values.engines.enabled (eq .Values.engines.builder "job") }}true{{ end }}
{{- end }}

{{- define "genod.engines.serviceAccountName" -}}
{{- if .Values.podSecurity.serviceAccount.create }}
{{- include "genod.fullname" . }}-engine-builder
{{- else }}
{{- include "genod.security.serviceAccountName" . }}
{{- end }}
{{- end }}

{{/* Takes the hook's weight: lower ones come first. */}}
{{- define "genod.engines.hookAnnotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ . | toString | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end }}
