{{/* TLS towards callers. By a file that names the key's files, because only so a renewed certificate is taken without a restart. */}}
{{- define "genod.envoy.downstreamTls" -}}
{{- $tls := .Values.envoy.tls -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
  {{- if $tls.clientCaSecretName }}
  require_client_certificate: true
  {{- end }}
  common_tls_context:
    alpn_protocols: [h2, http/1.1]
    tls_params: {tls_minimum_protocol_version: {{ $tls.minimumVersion | replace "." "_" | printf "TLSv%s" }}}
    tls_certificate_sds_secret_configs:
      - name: server
        sds_config: {resource_api_version: V3, path_config_source: {path: /etc/envoy/config/certificate.yaml}}
    {{- if $tls.clientCaSecretName }}
    validation_context_sds_secret_config:
      name: callers
      sds_config: {resource_api_version: V3, path_config_source: {path: /etc/envoy/config/client-ca.yaml}}
    {{- end }}
{{- end }}

{{- define "genod.envoy.certificate" -}}
resources:
  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
    name: server
    tls_certificate:
      certificate_chain: {filename: /etc/envoy/tls/tls.crt}
      private_key: {filename: /etc/envoy/tls/tls.key}
      watched_directory: {path: /etc/envoy/tls}
{{- end }}

{{- define "genod.envoy.clientCa" -}}
resources:
  - "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
    name: callers
    validation_context:
      trusted_ca: {filename: /etc/envoy/client-ca/ca.crt}
      watched_directory: {path: /etc/envoy/client-ca}
{{- end }}

{{/* TLS towards others. Takes a dict: sni (also the name that the certificate must carry), ca (file), alpn (optional). */}}
{{- define "genod.envoy.upstreamTls" -}}
name: envoy.transport_sockets.tls
typed_config:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
  sni: {{ .sni | quote }}
  common_tls_context:
    tls_params: {tls_minimum_protocol_version: TLSv1_2}
    {{- with .alpn }}
    alpn_protocols: [{{ . }}]
    {{- end }}
    validation_context:
      trusted_ca: {filename: {{ .ca | quote }}}
      match_typed_subject_alt_names:
        - san_type: DNS
          matcher: {exact: {{ .sni | quote }}}
{{- end }}
