"""Every committed values file, rendered once for all tests."""

from functools import cache
from pathlib import Path

from tests.helm.chart import RenderedChart, load_values, render, values_files


def file_names() -> list[str]:
    return [file.name for file in values_files()]


@cache
def rendered(file_name: str) -> RenderedChart:
    file = next(file for file in values_files() if file.name == file_name)
    return render(load_values(file))


def values_path(file_name: str) -> Path:
    return next(file for file in values_files() if file.name == file_name)
