"""Detectors that complete missing labels: any ONNX graph whose convention we know, or our own model repository."""
