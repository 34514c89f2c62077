"""Servers that people would write instead of using Triton. Each module runs as a process of its own.

Nothing of `loadtest` imports them: they load torch and `training`, which the load generator must not. They do the work
of the ensemble `detect` with the same files: decode and letterbox by preprocess's own modules, backbone and heads in
ONNX Runtime or in eager PyTorch, label propagation in ONNX Runtime (there is no other form of it).
"""
