{{/* Takes the hook's weight. */}}
{{- define "genod.tests.hookAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | toString | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end }}

{{/* A pod that detects in one photo and ends with the client's exit code. Takes a dict: root, protocol, port.

It calls what users call. Where that asks for TLS or tokens, which are the users' own, it calls Triton itself. */}}
{{- define "genod.tests.pod" -}}
{{- $root := .root }}
{{- $envoy := $root.Values.envoy | default dict }}
{{- $host := include "genod.fullname" $root }}
{{- $port := .port }}
{{- if and $envoy.enabled (or ($envoy.tls).enabled ($envoy.jwt).enabled) }}
{{- $host = printf "%s-triton-stable" $host }}
{{- $port = ternary 8000 8001 (eq .protocol "http") }}
{{- end }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "genod.fullname" $root }}-test-{{ .protocol }}
  labels:
    {{- include "genod.labels" (dict "root" $root "component" "test") | nindent 4 }}
  {{- include "genod.annotations" (dict "root" $root "extra" (include "genod.tests.hookAnnotations" 0 | fromYaml)) | nindent 2 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ include "genod.security.serviceAccountName" $root }}
  {{- include "genod.security.pod" $root | nindent 2 }}
  containers:
    - name: detect
      {{- include "genod.image.tools" $root | nindent 6 }}
      command: [genod, detect, /photo/photo.jpg]
      args:
        - --url={{ .protocol }}://{{ $host }}.{{ $root.Release.Namespace }}.svc:{{ int64 $port }}
        - --timeout={{ int64 $root.Values.tests.timeoutSeconds }}
        - --json
      env:
        - name: HOME
          value: /tmp
      resources:
        requests:
          cpu: {{ $root.Values.tests.cpu }}
          memory: {{ printf "%dMi" (int64 $root.Values.tests.memoryMiB) }}
        limits:
          memory: {{ printf "%dMi" (int64 $root.Values.tests.memoryMiB) }}
      {{- include "genod.security.container" $root | nindent 6 }}
      volumeMounts:
        - name: photo
          mountPath: /photo
          readOnly: true
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: photo
      configMap:
        name: {{ include "genod.fullname" $root }}-test-photo
    - name: tmp
      emptyDir: {}
{{- end }}
