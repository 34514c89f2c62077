"""Switching a running server from one release to another while requests run.

A *rollout folder* belongs to one server:

    <folder>/models/         what that tritonserver mounts, with --model-control-mode=explicit
    <folder>/releases/<N>/   releases as `release fetch` makes them
    <folder>/active.json     which release is active, which was before

In `models/` the ensembles keep their public names; every other model is called after its content,
`head_generic.3fa9c2d1b0`. So a model that is loaded never changes: the next release's models are loaded beside it, also
where a model of the same name has other tensors, and the only thing that is ever switched is an ensemble, which Triton
does between two requests.
docs/TRITON_NOTES.md says what was measured.
"""
