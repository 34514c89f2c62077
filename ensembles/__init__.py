"""The ensembles: how models of `model_repository/` are wired together, and proof that Triton will accept it.

Typical use::

    python -m ensembles render    # ensembles/wiring/*.py -> model_repository/<ensemble>/config.pbtxt
    python -m ensembles check     # everything Triton would refuse, found before any server starts

An ensemble is one short file in `ensembles/wiring/`; the rest of this package turns it into a config and
checks it. Nothing here imports another first-party package: the models are known only by their files.
"""
