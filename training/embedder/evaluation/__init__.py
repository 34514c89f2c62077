"""How well an embedder finds things again: figures, protocols, and a page with pictures."""
