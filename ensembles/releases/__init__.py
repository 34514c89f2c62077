"""Releases: which versions go together, where their files lie, and how they come to a server.

A release is `releases/<N>.json`, committed: every file of one model repository by path, sha256 and size.
The files themselves lie in this checkout and, once published, in a *store*, any folder that fsspec can open:

    <store>/blobs/sha256/<2 hex>/<64 hex>    the files, by content, each once
    <store>/releases/<N>.json                the manifests, each written after all its blobs
    <store>/publishing/, <store>/collecting/ who is at work (see `store_markers`)

docs/RELEASES.md says how people use it.
"""
