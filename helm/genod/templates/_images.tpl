{{/* Reference of an image. Takes a dict: image (registry, repository, tag, digest), defaultTag. */}}
{{- define "genod.image" -}}
{{- $repository := .image.repository }}
{{- with .image.registry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- if .image.digest }}
{{- printf "%s@%s" $repository .image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (.image.tag | default .defaultTag) }}
{{- end }}
{{- end }}

{{/* image and imagePullPolicy of a container that runs Triton. Takes the root. */}}
{{- define "genod.image.triton" -}}
image: {{ include "genod.image" (dict "image" .Values.image "defaultTag" .Values.image.tag) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{/* image and imagePullPolicy of a container that runs the tools. Takes the root. */}}
{{- define "genod.image.tools" -}}
image: {{ include "genod.image" (dict "image" .Values.toolsImage "defaultTag" .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.toolsImage.pullPolicy }}
{{- end }}
