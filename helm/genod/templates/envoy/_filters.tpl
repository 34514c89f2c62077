{{/* What every request passes, in this order: who asks, how often, how much, and then where to. */}}
{{- define "genod.envoy.filters" -}}
{{- $envoy := .Values.envoy -}}
{{- if $envoy.jwt.enabled }}
{{ include "genod.envoy.jwtFilter" . }}
{{- end }}
{{- if $envoy.rateLimit.enabled }}
- name: genod.rate_limit.all
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
    stat_prefix: rate_limit_all
    {{- include "genod.envoy.tokenBucket" $envoy.rateLimit.all | nindent 4 }}
{{- end }}
# Its buckets are on the routes, so that they change without a restart.
- name: genod.rate_limit.route
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
    stat_prefix: rate_limit_route
# The whole body first, then Triton: a slow caller holds a buffer here and not a place there, and too much is refused early.
- name: envoy.filters.http.buffer
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
    max_request_bytes: {{ mul ($envoy.limits.requestMiB | int64) 1048576 }}
# Right before the router: it sees what the caller is told, after all retries.
{{ include "genod.monitoring.envoyGrpcStats" . }}
- name: envoy.filters.http.router
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
{{- end }}

{{/* Takes requestsPerSecond and burst. Refused requests get 429 or RESOURCE_EXHAUSTED, which nobody retries at once. */}}
{{- define "genod.envoy.tokenBucket" -}}
token_bucket:
  max_tokens: {{ .burst | int64 }}
  tokens_per_fill: {{ .requestsPerSecond | int64 }}
  fill_interval: 1s
filter_enabled: {default_value: {numerator: 100, denominator: HUNDRED}}
filter_enforced: {default_value: {numerator: 100, denominator: HUNDRED}}
rate_limited_as_resource_exhausted: true
response_headers_to_add:
  - header: {key: retry-after, value: "1"}
    append_action: OVERWRITE_IF_EXISTS_OR_ADD
{{- end }}
