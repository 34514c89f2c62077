"""From 400 floats to 256 bits."""
