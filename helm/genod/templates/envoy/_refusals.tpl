{{/* Values of traffic that contradict each other, in the words of whoever wrote them. */}}
{{- define "genod.envoy.refusals" -}}
{{- $envoy := .Values.envoy -}}
{{- $timeouts := $envoy.timeouts -}}
{{- if gt (float64 $timeouts.perTrySeconds) (float64 $timeouts.requestSeconds) }}
{{- fail (printf "envoy.timeouts.perTrySeconds (%v) must not exceed envoy.timeouts.requestSeconds (%v): a request has no more time than that for all its tries" $timeouts.perTrySeconds $timeouts.requestSeconds) }}
{{- end }}
{{- $drain := int64 (include "genod.envoy.drainSeconds" .) }}
{{- $minimum := int64 (include "genod.envoy.minimumDrainSeconds" .) }}
{{- if lt $drain $minimum }}
{{- fail (printf "envoy.drainSeconds is %d, but must be at least %d (envoy.timeouts.requestSeconds + 5): Envoy ends at once after its drain, with the requests in it. Leave it null to have it computed" $drain $minimum) }}
{{- end }}
{{- if gt (int64 $timeouts.perTrySeconds) (int64 .Values.lifecycle.exitTimeoutSeconds) }}
{{- fail (printf "envoy.timeouts.perTrySeconds (%v) must not exceed lifecycle.exitTimeoutSeconds (%v): Triton would end with requests that Envoy still waits for" $timeouts.perTrySeconds .Values.lifecycle.exitTimeoutSeconds) }}
{{- end }}
{{- $notice := add (div (int64 $envoy.dns.refreshMs) 1000) 5 }}
{{- if lt (int64 .Values.lifecycle.preStopSeconds) $notice }}
{{- fail (printf "lifecycle.preStopSeconds is %v, but Envoy learns only within %d s that a pod leaves (envoy.dns.refreshMs + 5 s of the cluster's DNS): raise it, or lower envoy.dns.refreshMs" .Values.lifecycle.preStopSeconds $notice) }}
{{- end }}
{{- if ge (int64 $envoy.healthCheck.timeoutMs) (mul 2 (int64 $envoy.healthCheck.intervalMs)) }}
{{- fail (printf "envoy.healthCheck.timeoutMs (%v) must be below twice envoy.healthCheck.intervalMs (%v)" $envoy.healthCheck.timeoutMs $envoy.healthCheck.intervalMs) }}
{{- end }}
{{- if and (eq $envoy.healthCheck.via "probe") (not .Values.probes.liveness.enabled) }}
{{- fail "envoy.healthCheck.via is probe, but probes.liveness.enabled is false: without the sidecar nobody answers. Use via: model, or switch the sidecar on" }}
{{- end }}
{{- if and $envoy.tls.enabled (not $envoy.tls.secretName) }}
{{- fail "envoy.tls.enabled needs envoy.tls.secretName: a Secret with tls.crt and tls.key, such as cert-manager writes" }}
{{- end }}
{{- if and $envoy.tls.clientCaSecretName (not $envoy.tls.enabled) }}
{{- fail "envoy.tls.clientCaSecretName asks callers for certificates, which needs envoy.tls.enabled" }}
{{- end }}
{{- if $envoy.jwt.enabled }}
{{- if not $envoy.jwt.issuer }}
{{- fail "envoy.jwt.enabled needs envoy.jwt.issuer: the `iss` of the tokens that are accepted" }}
{{- end }}
{{- if and $envoy.jwt.jwks $envoy.jwt.remoteJwks.uri }}
{{- fail "envoy.jwt: set jwks or remoteJwks.uri, not both: there must be one place that says which keys count" }}
{{- end }}
{{- if not (or $envoy.jwt.jwks $envoy.jwt.remoteJwks.uri) }}
{{- fail "envoy.jwt.enabled needs the issuer's public keys: envoy.jwt.jwks (a JSON Web Key Set as text) or envoy.jwt.remoteJwks.uri" }}
{{- end }}
{{- end }}
{{- if .Values.regions.failover }}
{{- if not .Values.regions.own }}
{{- fail "regions.failover needs regions.own: without this region's name requests could be sent round in circles" }}
{{- end }}
{{- $seen := list .Values.regions.own }}
{{- range .Values.regions.failover }}
{{- if has .name $seen }}
{{- fail (printf "regions.failover names %q twice, or it is regions.own itself: each region once, in the order in which they shall help" .name) }}
{{- end }}
{{- $seen = append $seen .name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.canary.refusals" -}}
{{- $canary := .Values.canary -}}
{{- if $canary.enabled }}
{{- if kindIs "invalid" $canary.release }}
{{- fail "canary.enabled needs canary.release: the number of the release that the canary shall serve" }}
{{- end }}
{{- if eq (int64 $canary.release) (int64 .Values.release.number) }}
{{- fail (printf "canary.release and release.number are both %d: a canary serves another release than the stable pods. After a promotion set canary.enabled to false" (int64 $canary.release)) }}
{{- end }}
{{- if and (gt (int64 $canary.weight) 0) (not .Values.envoy.enabled) (not .Values.gatewayApi.enabled) }}
{{- fail (printf "canary.weight is %d, but nobody splits the traffic: enable envoy or gatewayApi, a Service alone cannot" (int64 $canary.weight)) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "genod.gatewayApi.refusals" -}}
{{- if .Values.gatewayApi.enabled }}
{{- if not .Values.gatewayApi.parentRefs }}
{{- fail "gatewayApi.enabled needs gatewayApi.parentRefs: the Gateway, with its namespace, that shall carry the routes" }}
{{- end }}
{{- if and .Values.envoy.enabled .Values.envoy.tls.enabled }}
{{- fail "gatewayApi.enabled and envoy.tls.enabled contradict each other: the Gateway ends TLS and speaks plain HTTP to Envoy. Put the certificate on the Gateway's listener" }}
{{- end }}
{{- end }}
{{- if and .Values.regions.failover (not .Values.envoy.enabled) }}
{{- fail "regions.failover needs envoy.enabled: the Gateway API has no failover between regions" }}
{{- end }}
{{- end }}
