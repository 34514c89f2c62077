{{/* Address of the store as the fetch takes it: claims and images are mounted at /store. */}}
{{- define "genod.store.url" -}}
{{- if eq .Values.modelStore.type "pvc" }}
{{- printf "file:///store/%s" (trimAll "/" .Values.modelStore.pvc.path) | trimSuffix "/" }}
{{- else if eq .Values.modelStore.type "oci" }}
{{- printf "file:///store/%s" (trimAll "/" .Values.modelStore.oci.path) | trimSuffix "/" }}
{{- else }}
{{- .Values.modelStore.url }}
{{- end }}
{{- end }}

{{- define "genod.store.isMounted" -}}
{{- if has .Values.modelStore.type (list "pvc" "oci") }}true{{ end }}
{{- end }}

{{/* Fetches a release into /models/<number>, every file checked by its sha256, and points /models/current at it.
Takes a dict: root, release. */}}
{{- define "genod.store.fetchContainer" -}}
- name: fetch-release
  {{- include "genod.image.tools" .root | nindent 2 }}
  command: [python, -m, ensembles, release, fetch]
  args:
    - {{ .release | toString | quote }}
    - --store
    - {{ include "genod.store.url" .root | quote }}
    - --into
    - /models
  {{- with .root.Values.modelStore.credentialsSecret }}
  envFrom:
    - secretRef:
        name: {{ . }}
  {{- end }}
  env:
    - name: HOME
      value: /tmp
    {{- range $name, $value := .root.Values.modelStore.env }}
    - name: {{ $name }}
      value: {{ $value | quote }}
    {{- end }}
  resources:
    requests:
      cpu: {{ .root.Values.modelStore.fetchCpu }}
      memory: {{ printf "%dMi" (int64 .root.Values.modelStore.fetchMemoryMiB) }}
    limits:
      memory: {{ printf "%dMi" (int64 .root.Values.modelStore.fetchMemoryMiB) }}
  {{- include "genod.security.container" .root | nindent 2 }}
  volumeMounts:
    {{- include "genod.store.modelsMount" (dict "root" .root "release" .release) | nindent 4 }}
    {{- if include "genod.store.isMounted" .root }}
    - name: store
      mountPath: /store
      readOnly: true
    {{- end }}
    - name: tmp
      mountPath: /tmp
{{- end }}

{{/* /models. In a claim that many pods share, each release has a folder of its own, so that the link `current` of one
release is never moved by a pod that fetches another. Takes a dict: root, release, readOnly. */}}
{{- define "genod.store.modelsMount" -}}
- name: models
  mountPath: /models
  {{- if .root.Values.modelStore.cache.claimName }}
  subPath: {{ printf "release-%v" .release }}
  {{- end }}
  {{- if .readOnly }}
  readOnly: true
  {{- end }}
{{- end }}

{{- define "genod.store.volumes" -}}
- name: models
  {{- if .Values.modelStore.cache.claimName }}
  persistentVolumeClaim:
    claimName: {{ .Values.modelStore.cache.claimName }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ printf "%dMi" (int64 .Values.modelStore.cache.sizeLimitMiB) }}
  {{- end }}
{{- if eq .Values.modelStore.type "pvc" }}
- name: store
  persistentVolumeClaim:
    claimName: {{ .Values.modelStore.pvc.claimName }}
    readOnly: true
{{- else if eq .Values.modelStore.type "oci" }}
- name: store
  image:
    reference: {{ .Values.modelStore.oci.reference | quote }}
    pullPolicy: {{ .Values.modelStore.oci.pullPolicy }}
{{- end }}
{{- end }}
