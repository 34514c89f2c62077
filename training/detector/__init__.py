"""The detector as a block diagram: backbones, pyramids, heads, targets, losses and candidate selection."""
