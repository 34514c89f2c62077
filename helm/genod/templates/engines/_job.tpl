{{/* The Job that builds the engines of one release before any pod rolls, and after the promotion gate (weight 0): when it fails,
Helm stops and what serves stays.
Takes a dict: root, track, release. */}}
{{- define "genod.engines.job" -}}
{{- $root := .root }}
{{- $names := dict "root" $root "component" "engine-builder" }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "genod.fullname" $root }}-engine-builder-{{ .track }}
  labels:
    {{- include "genod.labels" $names | nindent 4 }}
    genod/release: {{ .release | toString | quote }}
  {{- include "genod.annotations" (dict "root" $root "extra" (include "genod.engines.hookAnnotations" 1 | fromYaml)) | nindent 2 }}
spec:
  backoffLimit: {{ int64 $root.Values.engines.job.backoffLimit }}
  activeDeadlineSeconds: {{ int64 $root.Values.engines.job.activeDeadlineSeconds }}
  ttlSecondsAfterFinished: {{ int64 $root.Values.engines.job.ttlSecondsAfterFinished }}
  template:
    metadata:
      labels:
        {{- include "genod.selectorLabels" $names | nindent 8 }}
        genod/release: {{ .release | toString | quote }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ include "genod.engines.serviceAccountName" $root }}
      {{- include "genod.security.pod" $root | nindent 6 }}
      {{- with include "genod.gpu.placement" $root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "genod.scheduling.existingPriorityClassName" $root }}
      priorityClassName: {{ . }}
      {{- end }}
      initContainers:
        {{- include "genod.store.fetchContainer" (dict "root" $root "release" .release) | nindent 8 }}
      containers:
        {{- include "genod.engines.buildContainer" (dict "root" $root "release" .release "resources" (include "genod.engines.buildResources" $root)) | nindent 8 }}
      volumes:
        {{- include "genod.store.volumes" $root | nindent 8 }}
        {{- include "genod.engines.volumes" $root | nindent 8 }}
        - name: tmp
          emptyDir: {}
{{- end }}
