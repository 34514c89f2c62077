"""Photos and boxes: readers, augmentation, letterboxing and batching."""
