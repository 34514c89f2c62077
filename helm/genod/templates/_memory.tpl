{{/* Arithmetic of memory. All results are whole numbers as text; the inputs are documented in values.yaml. */}}

{{- define "genod.memory.imageBytesInFlight" -}}
{{- div (mul (int64 .bytesPerImage) (int64 .root.Values.triton.imagesInFlight) (add 100 (int64 .root.Values.cudaMemoryPool.headroomPercent))) 100 }}
{{- end }}

{{/* The smallest CUDA pool, bytes: at least Triton's default of 64 MiB. */}}
{{- define "genod.memory.minimumCudaPoolBytes" -}}
{{- max 67108864 (include "genod.memory.imageBytesInFlight" (dict "root" . "bytesPerImage" .Values.release.memory.gpuBytesPerImage) | int64) }}
{{- end }}

{{- define "genod.memory.cudaPoolBytes" -}}
{{- if kindIs "invalid" .Values.cudaMemoryPool.bytes }}
{{- include "genod.memory.minimumCudaPoolBytes" . }}
{{- else }}
{{- int64 .Values.cudaMemoryPool.bytes }}
{{- end }}
{{- end }}

{{/* The smallest pinned pool, bytes: at least Triton's default of 256 MiB. */}}
{{- define "genod.memory.minimumPinnedPoolBytes" -}}
{{- max 268435456 (include "genod.memory.imageBytesInFlight" (dict "root" . "bytesPerImage" .Values.release.memory.hostBytesPerImage) | int64) }}
{{- end }}

{{- define "genod.memory.pinnedPoolBytes" -}}
{{- if kindIs "invalid" .Values.cudaMemoryPool.pinnedBytes }}
{{- include "genod.memory.minimumPinnedPoolBytes" . }}
{{- else }}
{{- int64 .Values.cudaMemoryPool.pinnedBytes }}
{{- end }}
{{- end }}

{{/* The smallest /dev/shm, MiB: what the largest Python stage holds for all images in flight, and what each process needs for itself. */}}
{{- define "genod.memory.minimumSharedMemoryMiB" -}}
{{- $imageBytes := mul (int64 .Values.release.memory.largestStageBytesPerImage) (int64 .Values.triton.imagesInFlight) }}
{{- add (div (add $imageBytes 1048575) 1048576) (mul 64 (int64 .Values.release.memory.pythonInstances)) }}
{{- end }}

{{- define "genod.memory.sharedMemoryMiB" -}}
{{- if kindIs "invalid" .Values.sharedMemory.sizeMiB }}
{{- include "genod.memory.minimumSharedMemoryMiB" . }}
{{- else }}
{{- int64 .Values.sharedMemory.sizeMiB }}
{{- end }}
{{- end }}

{{/* The smallest memory of Triton's container, MiB: /dev/shm and the pools count as the container's own. */}}
{{- define "genod.memory.minimumMiB" -}}
{{- $pinnedMiB := div (add (include "genod.memory.pinnedPoolBytes" . | int64) 1048575) 1048576 }}
{{- $cacheMiB := ternary (int64 .Values.triton.responseCache.sizeMiB) 0 .Values.triton.responseCache.enabled }}
{{- add (int64 .Values.resources.baseMemoryMiB) (include "genod.memory.sharedMemoryMiB" . | int64) $pinnedMiB $cacheMiB }}
{{- end }}

{{- define "genod.memory.MiB" -}}
{{- if kindIs "invalid" .Values.resources.memoryMiB }}
{{- include "genod.memory.minimumMiB" . }}
{{- else }}
{{- int64 .Values.resources.memoryMiB }}
{{- end }}
{{- end }}
