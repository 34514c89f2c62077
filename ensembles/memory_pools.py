"""How much memory the intermediate tensors of an ensemble take, and where.

Triton hands tensors from step to step in buffers of two pools: what a model on a GPU writes lies in the CUDA
pool, all else in the pool of pinned host memory. A full CUDA pool falls back, silently, to pinned memory and
a copy in each direction; with Python stages that has given empty outputs. Hence the arithmetic before the
server starts.

Assumption: every image in flight holds all tensors that any step writes at the same time. In truth Triton
frees a tensor after its last reader, so the result is an upper bound; for a graph as short as ours, where the
feature pyramid is nearly all of it, it is close.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ensembles.model import Model
from ensembles.repository import Repository
from ensembles.tensor_ends import TensorEnd, tensor_ends
from ensembles.tensors import size_bytes

_MIB = 1 << 20


@dataclass(frozen=True)
class MemoryPools:
    """Sizes with which the server will be started."""

    cuda_bytes: int = 128 * _MIB
    """Size of `--cuda-memory-pool-byte-size=<gpu>:<bytes>`; Triton's own 64 MiB is too small for 32 pyramids."""
    pinned_bytes: int = 256 * _MIB
    """Size of `--pinned-memory-pool-byte-size`; the default is Triton's."""
    images_in_flight: int = 32
    """Images inside one ensemble at once. The default is two full batches, one running and one gathering."""


@dataclass(frozen=True)
class IntermediateTensor:
    """One tensor that a step writes."""

    writer: TensorEnd
    on_gpu: bool
    bytes_per_image: int | None
    """None where neither the configs nor the readers' warm-ups tell a size."""


def intermediate_tensors(ensemble: Model, repository: Repository) -> Iterator[IntermediateTensor]:
    """Yield every tensor that a known step writes, except those whose size no config tells.

    A variable shape is taken as large as the largest warm-up of any model that reads the tensor: warm-ups of
    models on a GPU cover the largest input by rule. Left out are strings, and outputs of the ensemble that no step
    reads and whose size the caller chooses, as with the rows of `embed`: they leave with the answer.
    """
    ends = list(tensor_ends(ensemble, repository))
    for writer in ends:
        if not writer.writes or writer.step is None or writer.spec is None or writer.spec.data_type == "STRING":
            continue
        readers = [end for end in ends if end.tensor == writer.tensor and not end.writes and end.step is not None]
        published = [end for end in ends if end.tensor == writer.tensor and not end.writes and end.step is None]
        dims_of_ends = [end.spec.dims for end in (writer, *published) if end.spec is not None]
        sizes = (size_bytes(writer.spec.data_type, dims) for dims in dims_of_ends)
        declared = next((size for size in sizes if size is not None), None)
        if declared is None and published and not readers:
            continue
        warmed = [size for reader in readers for size in _warmup_sizes(reader, repository)]
        yield IntermediateTensor(
            writer=writer,
            on_gpu=repository.models[writer.model].on_gpu,
            bytes_per_image=declared if declared is not None else max(warmed, default=None),
        )


def _warmup_sizes(reader: TensorEnd, repository: Repository) -> Iterator[int]:
    """Yield the size in bytes per image of each warm-up tensor for one input."""
    model = repository.models.get(reader.model)
    for warmup in model.config.model_warmup if model is not None else ():
        if reader.model_tensor in warmup.inputs and reader.spec is not None:
            size = size_bytes(reader.spec.data_type, list(warmup.inputs[reader.model_tensor].dims))
            if size is not None:
                yield size
