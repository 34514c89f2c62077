{{/* How an Envoy goes: it tells every caller on its next answer to connect anew, waits as long as a request may take, ends. */}}

{{- define "genod.envoy.minimumDrainSeconds" -}}
{{- add (int64 .Values.envoy.timeouts.requestSeconds) 5 }}
{{- end }}

{{- define "genod.envoy.drainSeconds" -}}
{{- if kindIs "invalid" .Values.envoy.drainSeconds }}
{{- include "genod.envoy.minimumDrainSeconds" . }}
{{- else }}
{{- int64 .Values.envoy.drainSeconds }}
{{- end }}
{{- end }}

{{/* bash opens the connection by itself: the image has no curl, and the administration port is closed to the kubelet. */}}
{{- define "genod.envoy.drainCommand" -}}
exec 3<>/dev/tcp/127.0.0.1/9901 && printf 'POST /healthcheck/fail HTTP/1.1\r\nHost: envoy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' >&3 && read -r status <&3; sleep {{ include "genod.envoy.drainSeconds" . }}
{{- end }}
