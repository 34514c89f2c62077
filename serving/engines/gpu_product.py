"""Which GPU an engine is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from serving.errors import BuilderMissingError

QUERY = ("--query-gpu=name,compute_cap", "--format=csv")
QUERY_TIMEOUT_S = 60


@dataclass(frozen=True)
class GpuProduct:
    """A kind of GPU: all that share it share engines."""

    name: str
    """As nvidia-smi prints it; a MIG slice's profile is part of it, for an engine is tuned to its cores."""
    compute_capability: str
    """``9.0``; empty where it was not asked for."""

    @property
    def folder_name(self) -> str:
        """Name for a folder: ``nvidia-h100-80gb-hbm3``."""
        return re.sub(r"[^a-z0-9.]+", "-", self.name.lower()).strip("-.")


def named_product(name: str) -> GpuProduct:
    """A product by its name.

    Raises:
        BuilderMissingError: The name has no letter or digit.
    """
    product = GpuProduct(name.strip(), "")
    if not product.folder_name:
        raise BuilderMissingError(f"--gpu-product must be a name such as 'NVIDIA L4', got {name!r}")
    return product


def detect_product(program: str = "nvidia-smi") -> GpuProduct:
    """Ask the driver.

    Args:
        program: nvidia-smi.

    Raises:
        BuilderMissingError: There is no driver or no GPU, or GPUs of several kinds.
    """
    path = shutil.which(program)
    if path is None:
        raise BuilderMissingError(
            f"{program} was not found: engines are built on a machine with the GPU that serves them."
            " Name the GPU with --gpu-product to look into the cache without one."
        )
    products = parse_products(_run(path, *QUERY), _run(path, "-L"))
    if not products:
        raise BuilderMissingError(f"{program} lists no GPU. Give the container one, or name it with --gpu-product.")
    if len(products) > 1:
        names = ", ".join(sorted(product.name for product in products))
        raise BuilderMissingError(
            f"GPUs of several kinds are visible: {names}. Show one kind (NVIDIA_VISIBLE_DEVICES), or name it with"
            " --gpu-product."
        )
    return products.pop()


def parse_products(csv: str, listing: str) -> set[GpuProduct]:
    """Read what nvidia-smi printed.

    Args:
        csv: Answer to ``--query-gpu=name,compute_cap --format=csv``: a line of headings, a line for each GPU.
        listing: Answer to ``-L``, which alone tells MIG slices.
    """
    slices = set(re.findall(r"^\s+MIG (\S+)\s", listing, re.MULTILINE))
    products = set()
    for line in csv.splitlines()[1:]:
        name, separator, capability = line.rpartition(",")
        if separator and name.strip():
            for suffix in sorted(f" MIG {profile}" for profile in slices) or [""]:
                products.add(GpuProduct(name.strip() + suffix, capability.strip()))
    return products


def _run(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuilderMissingError(f"{' '.join(command)} did not answer: {error}") from error
    if ended.returncode != 0:
        said = " ".join((ended.stderr or ended.stdout).split())
        raise BuilderMissingError(f"{' '.join(command)} failed with exit code {ended.returncode}: {said}")
    return ended.stdout
