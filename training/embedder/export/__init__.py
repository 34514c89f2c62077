"""The embedder as it is served: crops cut, embedded and hashed in one graph, and the same without a server."""
