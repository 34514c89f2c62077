"""``python -m serving build-engines``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.engines.build import Target, provide_engines
from serving.engines.builder import EngineBuilder
from serving.engines.engine_cache import EngineCache
from serving.engines.engine_spec import find_engine_specs
from serving.engines.gpu_product import detect_product, named_product
from serving.engines.linked_repository import link_repository
from serving.engines.tensorrt_builder import TensorRTBuilder
from serving.errors import EngineSettingsError, ServingError

_DESCRIPTION = """\
Build the TensorRT engine of every model whose configs/<target>.pbtxt says tensorrt_plan, unless the cache has it, and
compose a repository in which Triton finds them. Safe to repeat, and to run in several pods at once."""

_EPILOG = "exit status: 0 every engine is there, 1 refused or failed (one line says why), 2 wrong usage"


def main(arguments: Sequence[str] | None = None, *, make_builder: Callable[[], EngineBuilder] = TensorRTBuilder) -> int:
    """Run the command.

    Args:
        arguments: Those after ``build-engines``; None for those of this process.
        make_builder: What builds; only called when something may have to be built.

    Returns:
        Exit status.
    """
    options = _parser().parse_args(sys.argv[2:] if arguments is None else arguments)
    try:
        _run(options, make_builder)
    except ServingError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, make_builder: Callable[[], EngineBuilder]) -> None:
    specs = find_engine_specs(options.model_repository, options.target)
    builder = None if options.no_build else make_builder()
    if builder is None and not options.trt_version:
        raise EngineSettingsError("--no-build needs --trt-version: engines are kept by the version that built them.")
    if builder is not None and options.trt_version not in (None, builder.version):
        raise EngineSettingsError(
            f"--trt-version is {options.trt_version}, but this machine builds with TensorRT {builder.version}."
            " Build in an image with the TensorRT that serves."
        )
    target = Target(
        tensorrt_version=builder.version if builder is not None else options.trt_version,
        gpu=detect_product() if options.gpu_product is None else named_product(options.gpu_product),
    )
    plans = provide_engines(
        specs,
        target=target,
        cache=EngineCache(options.cache),
        builder=builder,
        lock_timeout_s=options.lock_timeout_s,
        report=_print_line,
    )
    if options.link_into is not None:
        link_repository(options.model_repository, options.link_into, plans)
        _print_line(f"linked: tritonserver --model-repository={options.link_into} --model-config-name={options.target}")


def _print_line(line: str) -> None:
    print(line, flush=True)  # a pod's log is a pipe, and builds take minutes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving build-engines",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model-repository", type=Path, required=True, metavar="DIR", help="release; may be read-only")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where engines are kept")
    parser.add_argument(
        "--target", default="tensorrt", metavar="NAME", help="<model>/configs/NAME.pbtxt (default: %(default)s)"
    )
    parser.add_argument(
        "--gpu-product", metavar="NAME", help="name of the GPU as nvidia-smi prints it (default: ask nvidia-smi)"
    )
    parser.add_argument(
        "--trt-version", metavar="V", help="TensorRT that serves (default: that of Python's tensorrt, which it must be)"
    )
    parser.add_argument(
        "--link-into", type=Path, metavar="DIR", help="compose a repository of links here, plans included, for Triton"
    )
    parser.add_argument(
        "--no-build", action="store_true", help="only look into the cache; fail when an engine is missing"
    )
    parser.add_argument(
        "--lock-timeout-s",
        type=float,
        default=3600.0,
        metavar="S",
        help="wait so long for another builder of the same engine (default: %(default)g)",
    )
    return parser
