"""The detector as a block diagram: backbone, neck, FCOS head, targets, losses and candidate selection."""
