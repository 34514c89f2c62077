{{/* Callers show a token of one issuer. Health and readiness stay open: probes and other regions ask without a token. */}}
{{- define "genod.envoy.jwtFilter" -}}
{{- $jwt := .Values.envoy.jwt -}}
- name: envoy.filters.http.jwt_authn
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
    providers:
      callers:
        issuer: {{ $jwt.issuer | quote }}
        {{- with $jwt.audiences }}
        audiences: {{ toJson . }}
        {{- end }}
        require_expiration: true
        # Triton has no use for it; another region checks it again.
        forward: {{ gt (len .Values.regions.failover) 0 }}
        {{- if $jwt.jwks }}
        local_jwks: {inline_string: {{ $jwt.jwks | toJson }}}
        {{- else }}
        remote_jwks:
          http_uri: {uri: {{ $jwt.remoteJwks.uri | quote }}, cluster: jwks, timeout: 5s}
          cache_duration: {{ $jwt.remoteJwks.cacheSeconds }}s
          async_fetch: {}
          retry_policy: {num_retries: 3}
        {{- end }}
    rules:
      - match: {prefix: /v2/health/}
      - match: {path: /grpc.health.v1.Health/Check}
      - match: {path: /inference.GRPCInferenceService/ServerLive}
      - match: {path: /inference.GRPCInferenceService/ServerReady}
      - match: {path: /inference.GRPCInferenceService/ModelReady}
      - match: {safe_regex: {regex: "/v2/models/[A-Za-z0-9._-]+(/versions/[0-9]+)?/ready"}}
      - match: {prefix: /}
        requires: {provider_name: callers}
{{- end }}

{{- define "genod.envoy.jwksCluster" -}}
{{- $uri := urlParse .Values.envoy.jwt.remoteJwks.uri -}}
{{- $isTls := eq $uri.scheme "https" -}}
{{- $port := regexFind ":[0-9]+$" $uri.host | trimPrefix ":" | default (ternary "443" "80" $isTls) -}}
- name: jwks
  {{- include "genod.envoy.lookup" (dict "envoy" .Values.envoy) | nindent 2 }}
  load_assignment:
    cluster_name: jwks
    endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: {{ $uri.hostname | quote }}, port_value: {{ $port }}}}}}]}]
  {{- if $isTls }}
  transport_socket:
    {{- include "genod.envoy.upstreamTls" (dict "sni" $uri.hostname "ca" "/etc/ssl/certs/ca-certificates.crt") | nindent 4 }}
  {{- end }}
{{- end }}
