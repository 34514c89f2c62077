{{/* Who stands behind each value of networkPolicy, as a list of peers. Takes the root. */}}

{{- define "genod.networkPolicy.clients" -}}
{{- toYaml (.Values.networkPolicy.clients | default (list (dict "podSelector" dict))) }}
{{- end }}

{{- define "genod.networkPolicy.prometheus" -}}
{{- $everyNamespace := dict "namespaceSelector" dict "podSelector" (dict "matchLabels" (dict "app.kubernetes.io/name" "prometheus")) }}
{{- toYaml (.Values.networkPolicy.prometheus | default (list $everyNamespace)) }}
{{- end }}

{{/* Pods of this installation. Takes a dict: root, component. */}}
{{- define "genod.networkPolicy.own" -}}
- podSelector:
    matchLabels:
      {{- include "genod.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* The egress rule for names. Takes the root. */}}
{{- define "genod.networkPolicy.dnsEgress" -}}
{{- $kubeDns := dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" "kube-system")) "podSelector" (dict "matchLabels" (dict "k8s-app" "kube-dns")) -}}
- to:
    {{- toYaml (.Values.networkPolicy.dns | default (list $kubeDns)) | nindent 4 }}
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/* The egress rules for the store. A policy knows no host names, so a store by address means port 443 anywhere unless
networkPolicy.storeEgress says better. Takes the root. */}}
{{- define "genod.networkPolicy.storeEgress" -}}
{{- if .Values.networkPolicy.storeEgress }}
{{- toYaml .Values.networkPolicy.storeEgress }}
{{- else if not (include "genod.store.isMounted" .) }}
- ports:
    - port: 443
      protocol: TCP
{{- /* Where a workload identity is turned into credentials: agents of the node. */}}
{{- if eq .Values.modelStore.type "gcs" }}
- to:
    - ipBlock: {cidr: 169.254.169.254/32}
    - ipBlock: {cidr: 169.254.169.252/32}
  ports:
    - port: 80
      protocol: TCP
    - port: 988
      protocol: TCP
{{- else if eq .Values.modelStore.type "s3" }}
- to:
    - ipBlock: {cidr: 169.254.170.23/32}
  ports:
    - port: 80
      protocol: TCP
{{- end }}
{{- end }}
{{- end }}

{{/* Port of an address: its own, or that of its scheme. Takes the text of a URL. */}}
{{- define "genod.networkPolicy.urlPort" -}}
{{- $parts := urlParse . }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $parts.host) | default (ternary "443" "80" (eq $parts.scheme "https")) }}
{{- end }}
