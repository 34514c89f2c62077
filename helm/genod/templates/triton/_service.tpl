{{/* The headless Service of one track: DNS gives the pods themselves, which gRPC needs. Takes a dict: root, track. */}}
{{- define "genod.triton.headlessService" -}}
{{- $names := dict "root" .root "component" "triton" "track" .track }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "genod.fullname" .root }}-triton-{{ .track }}
  labels:
    {{- include "genod.labels" $names | nindent 4 }}
  {{- include "genod.annotations" (dict "root" .root) | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "genod.selectorLabels" $names | nindent 4 }}
  ports:
    - name: http
      port: 8000
      targetPort: http
      appProtocol: http
    - name: grpc
      port: 8001
      targetPort: grpc
      appProtocol: kubernetes.io/h2c
    - name: metrics
      port: 8002
      targetPort: metrics
      appProtocol: http
    - name: probe
      port: 8003
      targetPort: probe
      appProtocol: http
{{- end }}
