"""Networks that map crops to feature maps, what they start from, and how a map is pooled."""
