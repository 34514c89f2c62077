"""A run's hasher on disk."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.atomic_file import write_atomically
from training.embedder.hashing.catalyzer import Catalyzer
from training.embedder.hashing.errors import HasherFileError
from training.embedder.hashing.sign_binarisation import SignBinarisation

HASHER_FILE = "hasher.pt"
_FORMAT = 1

Hasher = Catalyzer | SignBinarisation
"""FP32 [N, D] -> codes FP32 [N, bits]; a bit is code > 0."""


def save_hasher(run_folder: Path, hasher: Hasher, *, embedder_sha256: str, facts: dict[str, Any]) -> Path:
    """Write `hasher.pt` into a run's folder, in one step.

    Args:
        run_folder: of the embedder.
        hasher: on the CPU.
        embedder_sha256: `weights_sha256` of the embedder whose embeddings it was made from.
        facts: what to remember of its making: plain numbers and strings.
    """
    content = {
        "format": _FORMAT,
        "kind": "catalyzer" if isinstance(hasher, Catalyzer) else "sign",
        "weights": hasher.state_dict(),
        "embedder_sha256": embedder_sha256,
        "facts": facts,
    }
    file = io.BytesIO()
    torch.save(content, file)
    path = run_folder / HASHER_FILE
    write_atomically(path, file.getvalue())
    return path


def load_hasher(run_folder: Path, *, dims: int = 400, embedder_sha256: str | None = None) -> Hasher:
    """Return a run's hasher in eval mode; fixed sign binarisation where the run has none.

    Args:
        run_folder: of the embedder.
        dims: of its embeddings.
        embedder_sha256: `weights_sha256` of the embedder that it is used with, to be compared; None compares nothing.

    Raises:
        HasherFileError: the file is damaged, or was made for other embeddings.
    """
    path = run_folder / HASHER_FILE
    if not path.exists():
        return SignBinarisation.fixed(dims).eval()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        weights = content["weights"]
        if content["format"] != _FORMAT:
            raise KeyError(f"format {content['format']}")
        if content["kind"] == "catalyzer":
            bits, found_dims = weights["shortcut.weight"].shape
            hasher: Hasher = Catalyzer(dims=found_dims, bits=bits, hidden=len(weights["expand.bias"]))
        else:
            bits, found_dims = weights["directions"].shape
            hasher = SignBinarisation(torch.zeros(found_dims), torch.zeros(bits, found_dims))
        hasher.load_state_dict(weights)
    except Exception as error:  # torch names a damaged file by many errors
        raise HasherFileError(
            f"{path} holds no hasher ({str(error).splitlines()[0] if str(error) else type(error).__name__}): "
            f"delete it, or make it anew with python -m training train-hash {run_folder}"
        ) from error
    if found_dims != dims:
        raise HasherFileError(
            f"{path} is for embeddings of {found_dims} dimensions, the embedder's have {dims}: "
            f"run python -m training train-hash {run_folder}"
        )
    if embedder_sha256 is not None and content["embedder_sha256"] != embedder_sha256:
        raise HasherFileError(
            f"{path} was made before the embedder was trained further: run python -m training train-hash {run_folder}"
        )
    return hasher.eval()


def weights_sha256(module: nn.Module) -> str:
    """Return what tells one set of weights from another: of all tensors' names and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
