"""The command that serves: ``python -m serving``, which is also ``make serve``; and ``build-engines``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from serving.errors import ServingError
from serving.options import ServerOptions
from serving.probes.triton_http import RESTRICTED_KEY_VARIABLE
from serving.progress import StartupProgress
from serving.release_source import (
    CHECKOUT,
    DEMO,
    FETCHED_RELEASES,
    models_of_rollout,
    parse_release,
    repository_of_release,
)
from serving.restricted_apis import APIS
from serving.server import TritonServer

DEFAULT_LOG_FILE = CHECKOUT / "out" / "serving" / "tritonserver.log"
DEFAULT_PROBE_INTERVAL_S = 30.0


def build_parser() -> argparse.ArgumentParser:
    """Build the command line; every default comes from ``ServerOptions`` or a constant above."""
    defaults = ServerOptions
    parser = argparse.ArgumentParser(
        prog="python -m serving",
        description="Serve a model repository with NVIDIA Triton on this machine, until Ctrl-C.",
        epilog="`python -m serving build-engines --help`: build TensorRT engines on a GPU.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--release",
        type=parse_release,
        default=DEMO,
        metavar="R",
        help=f"{DEMO}, the models of this checkout as they stand, or the number of a release",
    )
    source.add_argument("--model-repository", type=Path, metavar="DIR", help="serve this folder instead of a release")
    source.add_argument(
        "--rollout",
        type=Path,
        metavar="DIR",
        help="serve what `python -m ensembles release activate --repository DIR` made active, ready to be switched",
    )
    parser.add_argument(
        "--store",
        metavar="URL",
        help="where a numbered release is published; without it, its files are in this checkout",
    )
    parser.add_argument(
        "--releases-folder", type=Path, default=FETCHED_RELEASES, metavar="DIR", help="where numbered releases are kept"
    )
    parser.add_argument("--host", default=defaults.host, help="address to listen on; 0.0.0.0 is every interface")
    parser.add_argument("--http-port", type=int, default=defaults.http_port, metavar="P", help="0 picks a free one")
    parser.add_argument("--grpc-port", type=int, default=defaults.grpc_port, metavar="P", help="0 picks a free one")
    parser.add_argument(
        "--metrics-port", type=int, default=defaults.metrics_port, metavar="P", help="0 picks a free one"
    )
    parser.add_argument(
        "--model-config-name", metavar="TARGET", help="use <model>/configs/TARGET.pbtxt where a model has it"
    )
    parser.add_argument(
        "--response-cache-mib",
        type=int,
        default=defaults.response_cache_mib,
        metavar="N",
        help="size of the response cache for models that enable it; 0 is none",
    )
    parser.add_argument(
        "--restricted-apis",
        default="",
        metavar="A,B",
        help=f"APIs that answer 403 without the key {RESTRICTED_KEY_VARIABLE}=<name>=<value> of the environment:"
        f" {', '.join(APIS)}",
    )
    parser.add_argument(
        "--ready-timeout-s",
        type=float,
        default=defaults.ready_timeout_s,
        metavar="S",
        help="time for loading models",
    )
    parser.add_argument(
        "--exit-timeout-s",
        type=int,
        default=defaults.exit_timeout_s,
        metavar="S",
        help="time that a stop leaves to requests in flight; a second Ctrl-C does not wait",
    )
    parser.add_argument(
        "--probe-interval-s",
        type=float,
        default=DEFAULT_PROBE_INTERVAL_S,
        metavar="S",
        help="send a real inference through every ensemble this often, restart if nobody answers; 0 is never",
    )
    parser.add_argument("--log-file", type=Path, default=DEFAULT_LOG_FILE, metavar="F", help="tritonserver's own log")
    parser.add_argument(
        "--trace-file",
        type=Path,
        metavar="FILE",
        help="where Triton may write timings of single requests, for `python -m loadtest run --trace-slow`",
    )
    parser.add_argument(
        "--log-verbose", type=int, default=defaults.log_verbose, metavar="N", help="verbosity of that log"
    )
    return parser


def read_options(arguments: argparse.Namespace) -> ServerOptions:
    """Turn the parsed command line into options.

    Raises:
        ServingError: An option's value is not allowed.
    """
    return ServerOptions(
        model_repository=_model_repository(arguments),
        rollout=arguments.rollout,
        host=arguments.host,
        http_port=arguments.http_port,
        grpc_port=arguments.grpc_port,
        metrics_port=arguments.metrics_port,
        model_config_name=arguments.model_config_name,
        response_cache_mib=arguments.response_cache_mib,
        restricted_apis=tuple(filter(None, arguments.restricted_apis.split(","))),
        restricted_key=os.environ.get(RESTRICTED_KEY_VARIABLE, ""),
        ready_timeout_s=arguments.ready_timeout_s,
        exit_timeout_s=arguments.exit_timeout_s,
        log_file=arguments.log_file,
        log_verbose=arguments.log_verbose,
        trace_file=arguments.trace_file,
        supervise=True,
        probe_interval_s=arguments.probe_interval_s,
    )


def _model_repository(arguments: argparse.Namespace) -> Path:
    if arguments.rollout is not None:
        return models_of_rollout(arguments.rollout)
    if arguments.model_repository is not None:
        given: Path = arguments.model_repository
        return given
    return repository_of_release(arguments.release, arguments.store, arguments.releases_folder)


def serve(options: ServerOptions, console: Console) -> None:
    """Start a server, say where it is, and serve until something ends it.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the server has been stopped.
        ServingError: It did not start, or could not go on.
    """
    with StartupProgress(console, options.model_names) as progress:
        server = TritonServer(options, on_progress=progress.update)
        server.start()
    try:
        for line in (
            f"ready: http://{server.http_url}  grpc://{server.grpc_url}  metrics {server.metrics_url}",
            f"models: {', '.join(options.model_names)}",
            f"log: {server.log_path}",
            "Ctrl-C stops.",
        ):
            # One line stays one line, also in a narrow pipe: scripts read it.
            console.print(line, markup=False, soft_wrap=True)
        server.wait()
    finally:
        console.print("stopping (again Ctrl-C: at once)")
        server.stop()
        console.print("stopped")


def main() -> int:
    """Run the command line.

    Returns:
        Exit status: 0 after Ctrl-C or SIGTERM, 1 after an error.
    """
    if sys.argv[1:2] == ["build-engines"]:
        # What only a machine with a GPU needs is not loaded by every server.
        from serving.engines.build_command import main as build_engines

        return build_engines()
    console = Console(highlight=False)
    error_console = Console(stderr=True, highlight=False)
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=error_console, show_path=False)],
    )
    # SIGTERM, from a process manager or a container runtime, ends as Ctrl-C does. SIGINT is set too because shells
    # ignore it in what a script starts in the background.
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)
    try:
        serve(read_options(build_parser().parse_args()), console)
    except KeyboardInterrupt:
        return 0
    except ServingError as error:
        error_console.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
