"""Training images of logos, drawn from vector files in the many looks that a logo has in the world."""
