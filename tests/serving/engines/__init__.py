"""Building and keeping TensorRT engines, without TensorRT."""
