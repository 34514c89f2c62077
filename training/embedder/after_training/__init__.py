"""What is done with a trained embedder: calibration, thresholds, more data, cleaner data."""
