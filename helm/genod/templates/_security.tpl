{{/* What holds for every pod and container of the chart. None of it can be switched off. */}}

{{- define "genod.security.serviceAccountName" -}}
{{- .Values.podSecurity.serviceAccount.name | default (ternary (include "genod.fullname" .) "default" .Values.podSecurity.serviceAccount.create) }}
{{- end }}

{{/* All but serviceAccountName, which differs. Takes the root. */}}
{{- define "genod.security.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int64 .Values.podSecurity.runAsUser }}
  runAsGroup: {{ int64 .Values.podSecurity.runAsGroup }}
  fsGroup: {{ int64 .Values.podSecurity.fsGroup }}
  # A cache of many files is not walked through again at each start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "genod.security.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities:
    drop: [ALL]
{{- end }}
