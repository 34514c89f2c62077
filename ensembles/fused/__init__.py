"""An ensemble's ONNX models as one graph, for when latency matters more than separate updates.

The steps that are Python stay steps. What is fused answers to the same contract under another name,
`<ensemble>_fused`, and is made anew from the models of a release whenever one of them changes::

    python -m ensembles fuse detect --into out/fused
    python -m serving --model-repository out/fused
"""
