"""TensorRT engines: built on the GPU that serves them, kept in a cache, linked to where Triton finds them.

``python -m serving build-engines`` is the front door; docs/GPU.md tells how an engine is keyed and built. All but
``tensorrt_builder`` runs on any machine.
"""
