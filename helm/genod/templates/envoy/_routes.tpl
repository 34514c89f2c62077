{{/*
The file that Envoy reads again whenever it changes: which calls exist, which track answers, how they are retried.
Only what is named here reaches Triton; its repository, shared memory, tracing and logging do not.
*/}}
{{- define "genod.envoy.routes" -}}
{{- $apis := .Values.envoy.apis -}}
{{- $model := "/v2/models/[A-Za-z0-9._-]+(/versions/[0-9]+)?" -}}
{{- $ofModel := list "ready" -}}
{{- if $apis.modelConfig }}{{ $ofModel = append $ofModel "config" }}{{ end }}
{{- if $apis.statistics }}{{ $ofModel = append $ofModel "stats" }}{{ end -}}
{{- /* One expression without repetition: Envoy refuses large ones. /v2/models/stats is in it, as if stats were a model. */ -}}
{{- $reads := printf "/v2(/health/(live|ready)|%s(/(%s))?)?" (trimPrefix "/v2" $model) (join "|" $ofModel) -}}
{{- $methods := list "Ready" "Metadata" -}}
{{- if $apis.modelConfig }}{{ $methods = append $methods "Config" }}{{ end }}
{{- if $apis.statistics }}{{ $methods = append $methods "Statistics" }}{{ end -}}
resources:
  - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    name: genod
    virtual_hosts:
      - name: genod
        domains: ["*"]
        # A body larger than this cannot be sent a second time.
        request_body_buffer_limit: {{ mul (.Values.envoy.limits.requestMiB | int64) 1048576 }}
        include_attempt_count_in_response: true
        routes:
          {{- if not $apis.statistics }}
          - name: refused-statistics
            match: {path: /v2/models/stats}
            direct_response: {status: 403, body: {inline_string: "statistics are not offered here: see envoy.apis.statistics"}}
          {{- end }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "infer" "protocol" "http" "isInference" true
                "match" (dict "method" "POST" "regex" (printf "%s/infer" $model))) | trim | nindent 10 }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "infer" "protocol" "grpc" "isInference" true
                "match" (dict "path" "/inference.GRPCInferenceService/ModelInfer")) | trim | nindent 10 }}
          {{- if $apis.streaming }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "stream" "protocol" "grpc" "isInference" true "isStream" true
                "match" (dict "path" "/inference.GRPCInferenceService/ModelStreamInfer")) | trim | nindent 10 }}
          {{- end }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "read" "protocol" "http"
                "match" (dict "method" "GET" "regex" $reads)) | trim | nindent 10 }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "read" "protocol" "grpc"
                "match" (dict "regex" (printf "/inference.GRPCInferenceService/(Server(Live|Ready|Metadata)|Model(%s))" (join "|" $methods)))) | trim | nindent 10 }}
          {{- include "genod.envoy.routeGroup" (dict "root" . "name" "health" "protocol" "grpc"
                "match" (dict "path" "/grpc.health.v1.Health/Check")) | trim | nindent 10 }}
          - name: refused
            match: {prefix: /}
            direct_response: {status: 403, body: {inline_string: "this call is not offered here: inference, metadata, health and what envoy.apis allows are"}}
{{- end }}

{{/*
One kind of call, to the track that shall answer it. Takes a dict: root, name, protocol, match (path or regex, and method),
isInference, isStream.
*/}}
{{- define "genod.envoy.routeGroup" -}}
{{- $canary := .root.Values.canary -}}
{{- $match := include "genod.envoy.match" . -}}
{{- $common := include "genod.envoy.routeSettings" . -}}
{{- $extras := include "genod.envoy.routeExtras" . -}}
{{- $prefix := printf "%s-%s" .name .protocol -}}
{{- if .root.Values.regions.own }}
# Sent on by another region: our own pods or nobody.
- name: {{ $prefix }}-hop
  match:
    {{- $match | nindent 4 }}
      - {name: x-genod-hop, present_match: true}
  route:
    cluster: stable-{{ .protocol }}
    {{- $common | nindent 4 }}
  {{- $extras | nindent 2 }}
{{- end }}
{{- if $canary.enabled }}
# Asked for by name: the canary or nobody, so that no stable answer is taken for the canary's.
- name: {{ $prefix }}-canary
  match:
    {{- $match | nindent 4 }}
      - {name: x-genod-track, string_match: {exact: canary}}
  route:
    cluster: canary-{{ .protocol }}
    {{- $common | nindent 4 }}
  {{- $extras | nindent 2 }}
- name: {{ $prefix }}-stable
  match:
    {{- $match | nindent 4 }}
      - {name: x-genod-track, string_match: {exact: stable}}
  route:
    cluster: to-stable-{{ .protocol }}
    {{- $common | nindent 4 }}
  {{- $extras | nindent 2 }}
{{- end }}
- name: {{ $prefix }}
  match:
    {{- $match | nindent 4 }}
  route:
    {{- if and $canary.enabled .isInference (gt ($canary.weight | int64) 0) }}
    weighted_clusters:
      clusters:
        - {name: to-stable-{{ .protocol }}, weight: {{ sub 100 ($canary.weight | int64) }}}
        - {name: to-canary-{{ .protocol }}, weight: {{ $canary.weight | int64 }}}
    {{- else }}
    cluster: to-stable-{{ .protocol }}
    {{- end }}
    {{- $common | nindent 4 }}
  {{- $extras | nindent 2 }}
{{- end }}

{{/* Ends with the list of headers, so that a route can add its own. */}}
{{- define "genod.envoy.match" -}}
{{- if .match.path -}}
path: {{ .match.path }}
{{- else -}}
safe_regex: {regex: {{ .match.regex | quote }}}
{{- end }}
headers:
  {{- if eq .protocol "grpc" }}
  - {name: content-type, string_match: {prefix: application/grpc}}
  {{- else }}
  - {name: ":method", string_match: {exact: {{ .match.method }}}}
  {{- end }}
{{- end }}

{{/* Time and retries. Inference changes nothing in a server, so a request that a dying server may have run can be sent again. */}}
{{- define "genod.envoy.routeSettings" -}}
{{- $envoy := .root.Values.envoy -}}
{{- if .isStream -}}
timeout: 0s
{{- else -}}
timeout: {{ ternary $envoy.timeouts.requestSeconds $envoy.timeouts.readSeconds (default false .isInference) }}s
retry_policy:
  {{- if eq .protocol "http" }}
  # 503 is what Triton's UNAVAILABLE is called over HTTP.
  retry_on: connect-failure,refused-stream,reset,retriable-status-codes
  retriable_status_codes: [503]
  {{- else }}
  retry_on: unavailable,connect-failure,refused-stream,reset
  {{- end }}
  num_retries: {{ $envoy.retries.attempts | int64 }}
  {{- if .isInference }}
  per_try_timeout: {{ $envoy.timeouts.perTrySeconds }}s
  {{- end }}
  retry_back_off: {base_interval: {{ include "genod.envoy.milliseconds" $envoy.retries.backOffMs }}, max_interval: {{ include "genod.envoy.milliseconds" $envoy.retries.maxBackOffMs }}}
  # Another pod; and when the second try fails too, another track or region.
  retry_host_predicate:
    - name: envoy.retry_host_predicates.previous_hosts
      typed_config: {"@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}
  # So many draws until it is another one: of two pods, the dead one is drawn three times in four.
  host_selection_retry_max_attempts: 40
  retry_priority:
    name: envoy.retry_priorities.previous_priorities
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig
      update_frequency: 2
{{- end }}
{{- end }}

{{- define "genod.envoy.routeExtras" -}}
{{- $limit := .root.Values.envoy.rateLimit -}}
response_headers_to_add:
  # Who answered: stable or canary, and in which region; what another region wrote there stays.
  - {header: {key: x-genod-track, value: "%UPSTREAM_METADATA(genod:track)%"}, append_action: ADD_IF_ABSENT}
  - {header: {key: x-genod-region, value: "%UPSTREAM_METADATA(genod:region)%"}, append_action: ADD_IF_ABSENT}
{{- if or (and $limit.enabled .isInference) .isStream }}
typed_per_filter_config:
  {{- if and $limit.enabled .isInference }}
  genod.rate_limit.route:
    "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
    stat_prefix: rate_limit_inference
    {{- include "genod.envoy.tokenBucket" $limit.inference | nindent 4 }}
  {{- end }}
  {{- if .isStream }}
  envoy.filters.http.buffer:
    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
    disabled: true
  {{- end }}
{{- end }}
{{- end }}
