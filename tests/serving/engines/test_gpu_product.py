import os
from pathlib import Path

import pytest

from serving.engines.gpu_product import GpuProduct, detect_product, named_product, parse_products
from serving.errors import BuilderMissingError

HEADINGS = "name, compute_cap\n"


@pytest.mark.parametrize(
    ("csv", "listing", "products"),
    [
        (HEADINGS + "NVIDIA L4, 8.9\n", "GPU 0: NVIDIA L4 (UUID: GPU-1)\n", {GpuProduct("NVIDIA L4", "8.9")}),
        (
            HEADINGS + "NVIDIA H100 80GB HBM3, 9.0\n" * 4,
            "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n",
            {GpuProduct("NVIDIA H100 80GB HBM3", "9.0")},
        ),
        (
            HEADINGS + "NVIDIA H100 80GB HBM3, 9.0\n",
            "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n  MIG 1g.10gb     Device  0: (UUID: MIG-1)\n",
            {GpuProduct("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "9.0")},
        ),
        (HEADINGS, "", set()),
        ("", "", set()),
    ],
)
def test_what_nvidia_smi_prints_is_read(csv: str, listing: str, products: set[GpuProduct]) -> None:
    assert parse_products(csv, listing) == products


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3"),
        ("NVIDIA-H100-80GB-HBM3", "nvidia-h100-80gb-hbm3"),  # as Kubernetes' label has it
        ("Tesla T4", "tesla-t4"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "nvidia-h100-80gb-hbm3-mig-1g.10gb"),
        ("../../etc", "etc"),
    ],
)
def test_a_product_names_a_folder(name: str, folder: str) -> None:
    assert named_product(name).folder_name == folder


@pytest.mark.parametrize("name", ["", " ", ".."])
def test_a_name_without_letters_is_refused(name: str) -> None:
    with pytest.raises(BuilderMissingError, match="--gpu-product must be a name"):
        named_product(name)


def write_program(folder: Path, body: str) -> str:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_the_driver_is_asked(tmp_path: Path) -> None:
    program = write_program(
        tmp_path,
        'case "$1" in -L) echo "GPU 0: NVIDIA L4";; *) echo "name, compute_cap"; echo "NVIDIA L4, 8.9";; esac',
    )
    assert detect_product(program) == GpuProduct("NVIDIA L4", "8.9")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo 'No devices were found' >&2; exit 6", "failed with exit code 6: No devices were found"),
        ("echo name, compute_cap", "lists no GPU"),
        (
            "echo h; echo NVIDIA L4, 8.9; echo NVIDIA T4, 7.5",
            "of several kinds are visible: NVIDIA L4,",
        ),
    ],
)
def test_a_machine_that_cannot_build_says_so(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(BuilderMissingError, match=message):
        detect_product(write_program(tmp_path, body))


def test_a_machine_without_a_driver_says_so() -> None:
    with pytest.raises(BuilderMissingError, match="was not found: engines are built on a machine with the GPU"):
        detect_product(f"nvidia-smi-{os.getpid()}")
